"""Redis: conversations and answers, as a cache that may vanish at any moment.

Every call has 150 ms and one retry; after five failures in a row Redis is left alone for five seconds, so that a silent
one costs a question nothing. Reading and writing fail open. Forgetting does not: who asks for it must know.
"""

import hashlib
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Final, Self, TypeVar

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialWithJitterBackoff
from redis.exceptions import RedisError

from core import budgets
from core.errors import UnavailableError
from core.messages import Answer, Question, Turn
from core.wire import to_answer, to_json

TURNS: Final = 12  # kept of a conversation; the rewriting reads the last two of the user's
TURN_SECONDS: Final = 7 * 24 * 3600  # a thread is picked up again within days, not weeks
TURN_CHARACTERS: Final = 2_000  # of one turn; what follows is not needed to understand the next question
FAILURES: Final = 5
REST: Final = 5.0  # seconds without trying
_SCAN: Final = 500  # keys a round trip
_PREFIX: Final = "vocero"

T = TypeVar("T")


def _key(workspace: str, kind: str, *names: str) -> str:
    """Return a key that begins with its workspace, in one cluster slot a workspace."""
    return ":".join([_PREFIX, "{" + hashlib.sha256(workspace.encode()).hexdigest()[:16] + "}", kind, *names])


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:32]


class RedisStore:
    """One Redis, used for memory and answers. Made by `open`, closed by leaving the block."""

    def __init__(self, url: str, *, failed: Callable[[], None] = lambda: None) -> None:
        """Keep what is given; `failed` is called for each call that Redis did not answer."""
        self._failed = failed
        self._redis: Redis = Redis.from_url(
            url,
            socket_timeout=budgets.REDIS,
            socket_connect_timeout=budgets.REDIS,
            health_check_interval=15,
            max_connections=50,
            retry=Retry(ExponentialWithJitterBackoff(base=0.02, cap=0.05), budgets.REDIS_RETRIES),
        )
        self._failures, self._again = 0, 0.0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._redis.aclose()

    async def attempt(self, call: Callable[[Redis], Awaitable[T]], otherwise: T) -> T:
        """Return the call's result, or `otherwise` when Redis is down, silent, full or resting."""
        if time.monotonic() < self._again:
            self._failed()
            return otherwise
        try:
            result = await call(self._redis)
        except (RedisError, OSError, TimeoutError):
            self._failures += 1
            if self._failures >= FAILURES:
                self._again = time.monotonic() + REST
            self._failed()
            return otherwise
        self._failures = 0
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


async def _ping(redis: Redis) -> bool:
    await redis.ping()
    return True


async def _matching(redis: Redis, pattern: str) -> AsyncIterator[str]:
    async for key in redis.scan_iter(match=pattern, count=_SCAN):
        yield key.decode()


class RedisMemory:
    """Conversations as lists of turns, apart for each audience, bounded in number, length and time."""

    def __init__(self, store: RedisStore) -> None:
        self._store = store

    def _key(self, question: Question) -> str:
        return _key(question.workspace, "turns", _digest(question.conversation), question.audience.fingerprint)

    async def recall(self, question: Question) -> tuple[Turn, ...]:
        """Return the conversation's turns, oldest first."""
        if not question.conversation:
            return ()
        nothing: list[bytes | str] = []
        raw = await self._store.attempt(lambda r: r.lrange(self._key(question), 0, -1), nothing)
        return tuple(Turn(who=t["who"], text=t["text"]) for t in map(json.loads, raw))

    async def remember(self, question: Question, answer: Answer) -> None:
        """Add both turns in one transaction."""
        if not question.conversation:
            return
        documents = sorted({c.document for c in (*answer.citations, *answer.nearest)})
        turns = [
            {"who": who, "text": text[:TURN_CHARACTERS], "user": question.user, "documents": documents}
            for who, text in (("user", question.text), ("bot", answer.text))
        ]

        async def write(redis: Redis) -> None:
            async with redis.pipeline(transaction=True) as pipe:
                key = self._key(question)
                pipe.rpush(key, *(json.dumps(t) for t in turns))
                pipe.ltrim(key, -TURNS, -1)
                pipe.expire(key, TURN_SECONDS)
                await pipe.execute()

        await self._store.attempt(write, None)

    async def forget(self, workspace: str, *, conversation: str = "", user: str = "", document: str = "") -> int:
        """Delete a conversation, or all of a user's turns, or those that cite a document; return how many went."""

        def keeps(turn: dict[str, Any]) -> bool:
            return not (conversation or turn["user"] == user != "" or document in turn["documents"])

        pattern = _key(workspace, "turns", _digest(conversation) if conversation else "*", "*")

        async def delete(redis: Redis) -> int:
            gone = 0
            async for key in _matching(redis, pattern):
                raw = await redis.lrange(key, 0, -1)
                kept = [t for t in raw if keeps(json.loads(t))]
                gone += len(raw) - len(kept)
                if len(kept) < len(raw):
                    await _rewrite(redis, key, kept)
            return gone

        return await self._store.insist(delete)


async def _rewrite(redis: Redis, key: str, kept: list[bytes | str]) -> None:
    async with redis.pipeline(transaction=True) as pipe:
        pipe.delete(key)
        if kept:
            pipe.rpush(key, *kept)
            pipe.expire(key, TURN_SECONDS)
        await pipe.execute()


class RedisAnswers:
    """Answers under keys that carry audience and editions."""

    def __init__(self, store: RedisStore) -> None:
        self._store = store

    async def find(self, workspace: str, key: str) -> Answer | None:
        """Return the answer kept under this key; one that cannot be read counts as none."""
        return _read(await self._store.attempt(lambda r: r.get(_key(workspace, "answer", key)), None))

    async def keep(self, workspace: str, key: str, answer: Answer, *, seconds: float) -> None:
        """Store an answer for so many seconds."""
        body = json.dumps(to_json(answer))
        await self._store.attempt(lambda r: r.set(_key(workspace, "answer", key), body, px=int(seconds * 1000)), None)

    async def purge(self, workspace: str, document: str) -> int:
        """Delete what cites or names this document, or cannot be read; found by reading all the workspace's answers."""

        async def delete(redis: Redis) -> int:
            gone = 0
            async for key in _matching(redis, _key(workspace, "answer", "*")):
                held = _read(await redis.get(key))
                if held is None or any(c.document == document for c in (*held.citations, *held.nearest)):
                    gone += await redis.delete(key)
            return gone

        return await self._store.insist(delete)


def _read(raw: bytes | str | None) -> Answer | None:
    """Return a kept answer; None for none, and for one that another release or a stranger wrote."""
    try:
        return None if raw is None else to_answer(json.loads(raw))
    except (KeyError, TypeError, ValueError):
        return None


class NoMemory:
    """Without Redis: every question stands alone, and there is nothing to forget."""

    async def recall(self, question: Question) -> tuple[Turn, ...]:  # noqa: ARG002
        """Return no turns."""
        return ()

    async def remember(self, question: Question, answer: Answer) -> None:
        """Keep nothing."""

    async def forget(self, workspace: str, *, conversation: str = "", user: str = "", document: str = "") -> int:  # noqa: ARG002
        """Return 0."""
        return 0


class NoAnswers:
    """Without Redis: every question is answered anew."""

    async def find(self, workspace: str, key: str) -> Answer | None:  # noqa: ARG002
        """Return None."""
        return None

    async def keep(self, workspace: str, key: str, answer: Answer, *, seconds: float) -> None:
        """Keep nothing."""

    async def purge(self, workspace: str, document: str) -> int:  # noqa: ARG002
        """Return 0."""
        return 0
