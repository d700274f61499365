"""Gaps to fill and examples to learn from, on Postgres."""

import json
from collections.abc import Sequence
from typing import Final

from core.audience import Audience
from core.chat import Gap
from core.messages import Answer
from infra.postgres.documents import new_name
from infra.postgres.pool import Database
from infra.postgres.text import clean

_GAPS: Final = """
    select g.question, g.person, g.conversation, g.created
    from vocero.gap g join vocero.workspace w on w.id = g.workspace
    where w.name = %s and g.filled_by is null and g.scopes <@ %s order by g.created limit %s
"""
_RIPE: Final = "select * from vocero.ripe_gaps(%s, %s)"
_LOOKED: Final = """
    update vocero.gap g set looked = %s from vocero.workspace w
    where w.id = g.workspace and w.name = %s and g.id = %s and g.looked < %s
"""
_FILL: Final = """
    update vocero.gap g set filled_by = %s from vocero.workspace w
    where w.id = g.workspace and w.name = %s and g.id = %s and g.filled_by is null
"""
_OPEN: Final = """
    select 1 from vocero.gap g join vocero.workspace w on w.id = g.workspace
    where w.name = %s and g.id = %s and g.filled_by is null
"""
_APPROVE: Final = """
    insert into vocero.example
        (workspace, name, question, answer, passages, conversation, approved_by, audience, private, rejected)
    select id, %s, %s, %s, %s, %s, %s, %s, %s, %s from vocero.workspace where name = %s
"""


class PostgresLessons:
    """The port `Lessons`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def gaps(self, workspace: str, scopes: Sequence[str], most: int) -> list[Gap]:
        """Return open questions asked within these scopes only, oldest first."""
        async with self._database.reading(workspace) as connection:
            rows = await (await connection.execute(_GAPS, (workspace, list(scopes), most))).fetchall()
        return [Gap(question=q, person=p, conversation=c, created=when) for q, p, c, when in rows]

    async def ripe(self, platform: str, most: int) -> list[Gap]:
        """Return open questions that later documents may answer."""
        rows = await self._database.everywhere(_RIPE, (platform, most))
        return [
            Gap(
                workspace=row[0],
                id=row[1],
                scopes=tuple(row[2]),
                person=row[3],
                conversation=row[4],
                question=row[5],
                created=row[6],
                looked=row[7],
            )
            for row in rows
        ]

    async def looked(self, gap: Gap) -> None:
        """Raise the number of the editions looked at."""
        async with self._database.writing(gap.workspace) as connection:
            await connection.execute(_LOOKED, (gap.looked, gap.workspace, gap.id, gap.looked))

    async def fill(self, workspace: str, gap: int, document: str) -> bool:
        """Set the document once."""
        async with self._database.writing(workspace) as connection:
            return (await connection.execute(_FILL, (document, workspace, gap))).rowcount > 0

    async def open(self, workspace: str, gap: int) -> bool:
        """Look it up."""
        async with self._database.reading(workspace) as connection:
            return await (await connection.execute(_OPEN, (workspace, gap))).fetchone() is not None

    async def approve(
        self,
        workspace: str,
        question: str,
        answer: Answer,
        *,
        by: str,
        conversation: str,
        audience: Audience,
        private: bool,
        rejected: str = "",
    ) -> str:
        """Insert an example with the passages that its answer cites and with those who could read it."""
        name = new_name("e")
        passages = [
            {"document": c.document, "chunk": c.chunk, "title": c.title, "text": c.text} for c in answer.citations
        ]
        values = (name, clean(question), clean(answer.text), json.dumps(passages), conversation, by)
        where = (sorted(audience.scopes), private, clean(rejected), workspace)
        async with self._database.writing(workspace) as connection:
            await connection.execute(_APPROVE, (*values, *where))
        return name
