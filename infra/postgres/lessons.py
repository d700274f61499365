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
