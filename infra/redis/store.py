"""The connection to Redis, which may vanish at any moment.

Every call has 150 ms; a broken connection is tried again once, silence is not: it costs a question its budget once, as
Redis is then left alone for a second, and for five after five failures in a row. Reading and writing fail open.
Forgetting does not: who asks for it must know.
"""

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final, Self, TypeVar

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialWithJitterBackoff
from redis.exceptions import ConnectionError, RedisError  # noqa: A004 - the builtin's is an OSError
from redis.exceptions import TimeoutError as Silence

from core import budgets
from core.errors import UnavailableError

AT_ONCE: Final = 32  # calls; a herd stands in line for a millisecond instead of opening a connection each
FAILURES: Final = 5
REST: Final = 5.0  # seconds without trying
PAUSE: Final = 1.0  # the same after one silence: the other calls of this question would each wait as long
_SCAN: Final = 500  # keys a round trip
_PREFIX: Final = "vocero"

T = TypeVar("T")


def to_key(workspace: str, kind: str, *names: str) -> str:
    """Return a key that begins with its workspace, in one cluster slot a workspace."""
    return ":".join([_PREFIX, "{" + hashlib.sha256(workspace.encode()).hexdigest()[:16] + "}", kind, *names])


def digest(text: str) -> str:
    """Return 32 hex digits for a name of any length."""
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:32]


class RedisStore:
    """One Redis, used for conversations, answers and leases. Nothing connects before the first call."""

    def __init__(self, url: str, *, failed: Callable[[], None] = lambda: None) -> None:
        """Keep what is given; `failed` is called for each call that Redis did not answer."""
        self._failed = failed
        self._redis: Redis = Redis.from_url(
            url,
            socket_timeout=budgets.REDIS,
            socket_connect_timeout=budgets.REDIS,
            health_check_interval=15,
            max_connections=AT_ONCE + 18,
            retry=Retry(ExponentialWithJitterBackoff(base=0.02, cap=0.05), budgets.REDIS_RETRIES, (ConnectionError,)),
        )
        self._line = asyncio.Semaphore(AT_ONCE)
        self._failures, self._again = 0, 0.0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._redis.aclose()

    async def attempt(self, call: Callable[[Redis], Awaitable[T]], otherwise: T) -> T:
        """Return the call's result, or `otherwise` when Redis is down, silent, full or resting."""
        async with self._line:
            if time.monotonic() < self._again:
                self._failed()
                return otherwise
            task = asyncio.current_task()
            asked = task.cancelling() if task else 0
            try:
                result = await call(self._redis)
            except (RedisError, OSError, TimeoutError) as error:
                self._failures += 1
                silent = isinstance(error, (TimeoutError, Silence))
                rest = REST if self._failures >= FAILURES else PAUSE if silent else 0.0
                self._again = time.monotonic() + rest
                self._failed()
                return otherwise
            self._failures = 0
            if task and task.cancelling() > asked:  # lost in the driver's wait_for: see core.ending
                raise asyncio.CancelledError
            return result

    async def insist(self, call: Callable[[Redis], Awaitable[T]]) -> T:
        """Return the call's result; UnavailableError when Redis did not do it."""
        try:
            return await call(self._redis)
        except (RedisError, OSError, TimeoutError) as error:
            raise UnavailableError(
                "Redis is not answering, so it cannot be said what it still holds: try again when it is back."
            ) from error

    async def answers(self) -> bool:
        """Whether Redis is there, now."""
        return await self.attempt(_ping, otherwise=False)

    async def refuses_when_full(self) -> bool:
        """Whether it has a limit of memory and will take nothing new there, rather than let go of what is old."""
        return await self.attempt(_stubborn, otherwise=False)


async def _ping(redis: Redis) -> bool:
    await redis.ping()
    return True


async def _stubborn(redis: Redis) -> bool:
    told = await redis.info("memory")
    return int(told.get("maxmemory", 0)) > 0 and told.get("maxmemory_policy") == "noeviction"


async def matching(redis: Redis, pattern: str) -> AsyncIterator[str]:
    """Yield the keys of a pattern, without stopping the server."""
    async for key in redis.scan_iter(match=pattern, count=_SCAN):
        yield key.decode()
