"""Answers in Redis, under keys that carry audience and editions."""

import json

from redis.asyncio import Redis

from core.messages import Answer
from core.wire import to_answer, to_json
from infra.redis.store import RedisStore, matching, to_key


class RedisAnswers:
    """Answers under keys that carry audience and editions."""

    def __init__(self, store: RedisStore) -> None:
        self._store = store

    async def find(self, workspace: str, key: str) -> Answer | None:
        """Return the answer kept under this key; one that cannot be read counts as none."""
        return read(await self._store.attempt(lambda r: r.get(to_key(workspace, "answer", key)), None))

    async def keep(self, workspace: str, key: str, answer: Answer, *, seconds: float) -> None:
        """Store an answer for so many seconds."""
        body = json.dumps(to_json(answer))
        await self._store.attempt(lambda r: r.set(to_key(workspace, "answer", key), body, px=int(seconds * 1000)), None)

    async def purge(self, workspace: str, document: str) -> int:
        """Delete what cites or names this document, or cannot be read; found by reading all the workspace's answers."""

        async def delete(redis: Redis) -> int:
            gone = 0
            async for key in matching(redis, to_key(workspace, "landed", "*")):
                await redis.delete(key)  # left for followers, for seconds
            async for key in matching(redis, to_key(workspace, "answer", "*")):
                held = read(await redis.get(key))
                if held is None or any(c.document == document for c in (*held.citations, *held.nearest)):
                    gone += await redis.delete(key)
            return gone

        return await self._store.insist(delete)


def read(raw: bytes | str | None) -> Answer | None:
    """Return a kept answer; None for none, and for one that another release or a stranger wrote."""
    try:
        return None if raw is None else to_answer(json.loads(raw))
    except (KeyError, TypeError, ValueError):
        return None


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
