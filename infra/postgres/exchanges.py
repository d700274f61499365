"""What was shown for which message, and the verdicts on it, on Postgres."""

import json
from dataclasses import asdict
from typing import Final

from core.chat import Cited, Exchange
from infra.postgres.pool import Database, Row
from infra.postgres.text import clean

WHY: Final = 2_000  # characters of a verdict's reason

_SHOW: Final = """
    insert into vocero.exchange (workspace, name, message, conversation, person, posts, outcome, cited)
    select id, %s, %s, %s, %s, %s, %s, %s from vocero.workspace where name = %s
    on conflict (workspace, message) do update
    set posts = excluded.posts, outcome = excluded.outcome, cited = excluded.cited
"""
_FIND: Final = """
    select x.message, x.conversation, x.person, x.posts, x.outcome, x.cited, x.created
    from vocero.exchange x join vocero.workspace w on w.id = x.workspace
    where w.name = %s and (x.name = %s or x.message = %s)
"""
_RECENT: Final = """
    select x.message, x.conversation, x.person, x.posts, x.outcome, x.cited, x.created
    from vocero.exchange x join vocero.workspace w on w.id = x.workspace
    where w.name = %s and x.person = %s order by x.created desc limit %s
"""
_JOINED: Final = """
    select 1 from vocero.exchange x join vocero.workspace w on w.id = x.workspace
    where w.name = %s and x.conversation = %s limit 1
"""
_FORGET: Final = """
    delete from vocero.exchange x using vocero.workspace w where w.id = x.workspace and w.name = %s
    and (%s <> '' and x.message = %s or %s <> '' and x.conversation = %s or %s <> '' and x.person = %s)
"""
_JUDGE: Final = """
    insert into vocero.feedback (workspace, exchange, person, good, why)
    select x.workspace, x.name, %s, %s, %s from vocero.exchange x join vocero.workspace w on w.id = x.workspace
    where w.name = %s and x.name = %s
    on conflict (workspace, exchange, person) do update
    set good = excluded.good, why = excluded.why, created = now()
"""
_ESCALATE: Final = """
    update vocero.exchange x set escalated = now() from vocero.workspace w
    where w.id = x.workspace and w.name = %s and x.name = %s and x.escalated is null
"""


class PostgresExchanges:
    """The port `Exchanges`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def show(self, workspace: str, exchange: Exchange) -> str:
        """Insert the exchange, or complete the one of its message."""
        x, posts, cited = exchange, list(exchange.posts), json.dumps([asdict(one) for one in exchange.cited])
        values = (x.name, x.message, x.conversation, x.person, posts, x.outcome, cited, workspace)
        async with self._database.writing(workspace) as connection:
            await connection.execute(_SHOW, values)
        return x.name

    async def find(self, workspace: str, *, name: str = "", message: str = "") -> Exchange | None:
        """Return an exchange by one of its two names."""
        async with self._database.reading(workspace) as connection:
            row = await (await connection.execute(_FIND, (workspace, name, message))).fetchone()
        return _to_exchange(row) if row else None

    async def joined(self, workspace: str, conversation: str) -> bool:
        """Whether there is an exchange in this conversation."""
        async with self._database.reading(workspace) as connection:
            return await (await connection.execute(_JOINED, (workspace, conversation))).fetchone() is not None

    async def recent(self, workspace: str, person: str, most: int) -> list[Exchange]:
        """Return a person's last exchanges."""
        async with self._database.reading(workspace) as connection:
            rows = await (await connection.execute(_RECENT, (workspace, person, most))).fetchall()
        return [_to_exchange(row) for row in rows]

    async def forget(self, workspace: str, *, message: str = "", conversation: str = "", person: str = "") -> int:
        """Delete exchanges; their feedback goes with them."""
        values = (workspace, message, message, conversation, conversation, person, person)
        async with self._database.writing(workspace) as connection:
            gone = (await connection.execute(_FORGET, values)).rowcount
            if person:
                await connection.execute("delete from vocero.feedback where person = %s", (person,))
        return gone

    async def judge(self, workspace: str, name: str, person: str, *, good: bool, why: str = "") -> bool:
        """Insert or change a verdict."""
        values = (person, good, clean(why)[:WHY], workspace, name)
        async with self._database.writing(workspace) as connection:
            return (await connection.execute(_JUDGE, values)).rowcount > 0

    async def escalate(self, workspace: str, name: str) -> bool:
        """Set the mark once."""
        async with self._database.writing(workspace) as connection:
            return (await connection.execute(_ESCALATE, (workspace, name))).rowcount > 0


def _to_exchange(row: Row) -> Exchange:
    message, conversation, person, posts, outcome, cited, created = row
    return Exchange(
        message=message,
        conversation=conversation,
        person=person,
        posts=tuple(posts),
        outcome=outcome,
        cited=tuple(Cited(**one) for one in cited),
        created=created,
    )
