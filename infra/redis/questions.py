"""Questions asked before, with their vectors, by where they were asked; see `core.near`."""

import base64
import json
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from redis.asyncio import Redis

from core.cache import KEEP
from core.near import Other
from infra.redis.store import RedisStore, matching, to_key

MOST: Final = 200  # questions of a place
NEAREST: Final = 5


class RedisQuestions:
    """The port `Questions`: a list a place, the newest first, as long-lived as the answers are."""

    def __init__(self, store: RedisStore) -> None:
        self._store = store

    async def nearest(self, workspace: str, place: str, vector: Sequence[float]) -> list[Other]:
        """Compare with every question of the place, each text once."""
        nothing: list[bytes | str] = []
        raw = await self._store.attempt(lambda r: r.lrange(to_key(workspace, "near", place), 0, -1), nothing)
        held = {asked: (key, kept) for asked, key, kept in map(json.loads, reversed(raw))}
        if not held:
            return []
        known = np.stack([_to_vector(kept) for _, kept in held.values()])
        cosines = known @ np.asarray(vector, dtype=np.float32)
        found = [Other(a, key, float(c)) for (a, (key, _)), c in zip(held.items(), cosines, strict=True)]
        return sorted(found, key=lambda other: -other.cosine)[:NEAREST]

    async def note(self, workspace: str, place: str, asked: str, key: str, vector: Sequence[float]) -> None:
        """Add one in one transaction."""
        name, line = to_key(workspace, "near", place), json.dumps([asked, key, _to_text(vector)])

        async def write(redis: Redis) -> None:
            async with redis.pipeline(transaction=True) as pipe:
                pipe.lpush(name, line)
                pipe.ltrim(name, 0, MOST - 1)
                pipe.expire(name, int(KEEP))
                await pipe.execute()

        await self._store.attempt(write, None)

    async def purge(self, workspace: str) -> int:
        """Delete every place: the questions are people's words, and nobody's name stands beside them."""

        async def delete(redis: Redis) -> int:
            return sum([await redis.delete(key) async for key in matching(redis, to_key(workspace, "near", "*"))])

        return await self._store.insist(delete)


def _to_text(vector: Sequence[float]) -> str:
    return base64.b64encode(np.asarray(vector, dtype=np.float16).tobytes()).decode()


def _to_vector(text: str) -> "np.ndarray[Any, np.dtype[np.float32]]":
    return np.frombuffer(base64.b64decode(text), dtype=np.float16).astype(np.float32)
