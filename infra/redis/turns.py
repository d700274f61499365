"""A copy of conversations in Redis; the truth is in Postgres.

A copy is made by whoever reads a conversation from Postgres, and grows by what is said. Two marks, counted up by every
turn and by every forgetting, keep a slow reader from putting back what has changed since it read.
"""

import json
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

from redis.asyncio import Redis

from core.memory import TURNS, Kept
from core.messages import Question, Turn
from infra.redis.store import RedisStore, digest, matching, to_key

SECONDS: Final = 3600  # a conversation is mostly picked up again within minutes; later it is read from Postgres once

# KEYS: copy, mark of the conversation, mark of the workspace. ARGV: both marks as read, seconds, the turns
_FILL: Final = """
if (redis.call('GET', KEYS[2]) or '') ~= ARGV[1] or (redis.call('GET', KEYS[3]) or '') ~= ARGV[2] then return 0 end
redis.call('DEL', KEYS[1])
for n = 4, #ARGV do redis.call('RPUSH', KEYS[1], ARGV[n]) end
redis.call('EXPIRE', KEYS[1], ARGV[3])
return 1
"""


@dataclass(frozen=True, slots=True)
class Copy:
    """What Redis had of a conversation, oldest first, and the marks at that moment; `marks` None: it did not answer."""

    turns: tuple[Kept, ...]
    marks: tuple[str, str] | None


class RedisTurns:
    """Conversations as lists of turns, apart for each audience."""

    def __init__(self, store: RedisStore) -> None:
        self._store = store
        self._behind: set[str] = set()  # copies that lack a turn, since Redis did not take it

    async def read(self, question: Question) -> Copy:
        """Return the copy and its marks in one round trip."""
        keys = _keys(question)

        async def get(redis: Redis) -> Copy:
            if keys[0] in self._behind:
                await redis.delete(keys[0])
                self._behind.discard(keys[0])
            async with redis.pipeline(transaction=True) as pipe:
                pipe.lrange(keys[0], 0, -1)
                pipe.mget(keys[1:])
                raw, marks = await pipe.execute()
            return Copy(_read(raw), (_text(marks[0]), _text(marks[1])))

        return await self._store.attempt(get, Copy((), None))

    async def fill(self, question: Question, turns: Sequence[Kept], marks: tuple[str, str]) -> None:
        """Make the copy, unless something was said or forgotten since the marks were read."""
        values = (*_keys(question), *marks, str(SECONDS), *map(_json, turns))
        await self._store.attempt(lambda r: cast("Awaitable[object]", r.eval(_FILL, 3, *values)), None)

    async def add(self, question: Question, turns: Sequence[Kept]) -> None:
        """Let the copy grow, if there is one, in one transaction."""
        key, mark, _ = _keys(question)

        async def write(redis: Redis) -> bool:
            async with redis.pipeline(transaction=True) as pipe:
                pipe.rpushx(key, *map(_json, turns))
                pipe.ltrim(key, -TURNS, -1)
                pipe.expire(key, SECONDS)
                pipe.incr(mark)
                pipe.expire(mark, SECONDS)
                await pipe.execute()
            return True

        if not await self._store.attempt(write, otherwise=False):
            self._behind.add(key)

    async def forget(self, workspace: str, *, conversation: str = "", user: str = "", document: str = "") -> None:
        """Delete every copy that holds what is forgotten; it is made anew from what Postgres still has.

        UnavailableError when it cannot be known whether they went. Postgres has forgotten before this is asked.
        """

        def holds(kept: Kept) -> bool:
            return bool(conversation) or (user != "" and kept.user == user) or document in kept.documents

        async def delete(redis: Redis) -> None:
            mark = to_key(workspace, "turns-mark")
            await redis.incr(mark)
            await redis.expire(mark, 24 * SECONDS)
            pattern = to_key(workspace, "turns", digest(conversation) if conversation else "*", "*")
            async for key in matching(redis, pattern):
                if any(map(holds, _read(await redis.lrange(key, 0, -1)))):
                    await redis.delete(key)

        await self._store.insist(delete)


def _keys(question: Question) -> tuple[str, str, str]:
    names = digest(question.conversation), question.audience.fingerprint
    workspace = question.workspace
    return to_key(workspace, "turns", *names), to_key(workspace, "turn-mark", *names), to_key(workspace, "turns-mark")


def _json(kept: Kept) -> str:
    turn = kept.turn
    return json.dumps([turn.who, turn.text, turn.meant, kept.user, list(kept.documents)])


def _read(raw: Sequence[bytes | str]) -> tuple[Kept, ...]:
    """Return the turns; none when one cannot be read, so that Postgres is asked."""
    try:
        return tuple(_kept(*json.loads(line)) for line in raw)
    except (TypeError, ValueError):
        return ()


def _kept(who: str, text: str, meant: str, user: str, documents: list[Any]) -> Kept:
    return Kept(Turn(who=who, text=text, meant=meant), user, tuple(documents))


def _text(mark: bytes | str | None) -> str:
    return mark.decode() if isinstance(mark, bytes) else mark or ""
