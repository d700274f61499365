"""Which process answers a question, in Redis: a key its holder keeps alive, and the answer it leaves for others."""

import asyncio
import json
from typing import TYPE_CHECKING, Final, cast

from redis.asyncio import Redis

from core.flight import LEASE
from core.messages import Answer
from core.wire import to_json
from infra.redis.answers import read
from infra.redis.store import RedisStore, to_key

if TYPE_CHECKING:
    from collections.abc import Awaitable

LANDED: Final = 10.0  # seconds that an answer waits for those who follow; they look twenty times a second
LOOK: Final = 0.05  # seconds between two looks; one look a process, whoever waits there

# KEYS: lease. ARGV: token, milliseconds
_HOLD: Final = (
    "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end return 0"
)
# KEYS: lease, landed. ARGV: token, milliseconds, answer or nothing
_LAND: Final = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
if ARGV[3] ~= '' then redis.call('SET', KEYS[2], ARGV[1] .. ' ' .. ARGV[3], 'PX', ARGV[2]) end
return redis.call('DEL', KEYS[1])
"""


class RedisLeases:
    """The port `Leases`; every call has Redis's budget and fails open."""

    def __init__(self, store: RedisStore) -> None:
        self._store = store

    async def take(self, workspace: str, key: str, token: str) -> str:
        """Set the key if it is free, and return whose it is."""

        async def take(redis: Redis) -> str:
            async with redis.pipeline(transaction=True) as pipe:
                pipe.set(_lease(workspace, key), token, nx=True, px=_ms(LEASE))
                pipe.get(_lease(workspace, key))
                _, holder = await pipe.execute()
            return _text(holder) or token

        return await self._store.attempt(take, token)

    async def hold(self, workspace: str, key: str, token: str) -> None:
        """Extend the key's life."""
        values = (_lease(workspace, key), token, str(_ms(LEASE)))
        await self._store.attempt(lambda r: cast("Awaitable[object]", r.eval(_HOLD, 1, *values)), None)

    async def land(self, workspace: str, key: str, token: str, answer: Answer | None) -> None:
        """Delete the key and leave the answer, in one step; nothing when the lease was lost."""
        body = json.dumps(to_json(answer)) if answer else ""
        values = (_lease(workspace, key), to_key(workspace, "landed", key), token, str(_ms(LANDED)), body)
        await self._store.attempt(lambda r: cast("Awaitable[object]", r.eval(_LAND, 2, *values)), None)

    async def landed(self, workspace: str, key: str, leader: str) -> Answer | None:
        """Look until the leader's lease is gone, and return what it left."""
        names = [_lease(workspace, key), to_key(workspace, "landed", key)]
        unknown: list[bytes | str | None] = [None, None]
        while True:
            holder, left = map(_text, await self._store.attempt(lambda r: r.mget(names), unknown))
            token, _, body = left.partition(" ")
            if token == leader:
                return read(body)
            if holder != leader:
                return None
            await asyncio.sleep(LOOK)


def _lease(workspace: str, key: str) -> str:
    return to_key(workspace, "flight", key)


def _text(value: bytes | str | None) -> str:
    return value.decode() if isinstance(value, bytes) else value or ""


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
