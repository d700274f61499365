"""The approved examples of a workspace, on Postgres; chat writes them too (see lessons.py)."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, LiteralString

from core.errors import InputError, UnknownError
from core.examples import Example, to_passages
from infra.postgres import documents
from infra.postgres.documents import new_name
from infra.postgres.pool import Connection, Database
from infra.postgres.text import clean

IMPORTED: Final = "import"  # the conversation of an example that came from a file: it waits for an approval
_LIST: Final = """
    select e.name, e.question, e.answer, e.passages, e.approved_by, e.private, e.consent, e.audience, e.conversation,
        e.rejected, e.source, e.origin, e.facts, e.answerable
    from vocero.example e join vocero.workspace w on w.id = e.workspace where w.name = %s order by e.created, e.name
"""
# one after the other, also in one transaction: of two that ask the same the later one is kept
_INSERT: Final = """
    insert into vocero.example
        (workspace, name, question, answer, passages, conversation, approved_by, source, origin, facts, answerable,
        created)
    values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, clock_timestamp())
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """An example with what decides whether it may be learned from: who approved it, where it was said, who agreed."""

    example: Example
    approved_by: str
    private: bool
    consent: str
    audience: tuple[str, ...]
    conversation: str
    rejected: str  # what the bot had said, where a person wrote a better answer

    @property
    def wanting(self) -> str:
        """Why it is not learned from, empty when it is."""
        if not self.approved_by:
            return "not approved"
        return "private" if self.private and not self.consent else ""


class PostgresExamples:
    """Keeps examples; those that came from a file count as approved when somebody approves them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def listed(self, workspace: str) -> list[Kept]:
        """Return the examples, oldest first."""
        async with self._database.reading(workspace) as connection:
            await documents.workspace_id(connection, workspace)
            rows = await (await connection.execute(_LIST, (workspace,))).fetchall()
        return [
            Kept(
                example=_to_example(*row[:4], *row[10:]),
                approved_by=row[4],
                private=row[5],
                consent=row[6],
                audience=tuple(row[7]),
                conversation=row[8],
                rejected=row[9],
            )
            for row in rows
        ]

    async def add(self, workspace: str, examples: Sequence[Example], *, by: str) -> int:
        """Insert examples; `by` empty leaves them to be approved. One whose text is there already is left out."""
        async with self._database.writing(workspace) as connection:
            number = await documents.workspace_id(connection, workspace)
            cursor = await connection.execute(
                "select question, answer from vocero.example where workspace = %s", (number,)
            )
            there = set(await cursor.fetchall())
            new = {(clean(e.question), clean(e.answer)): e for e in examples}
            for key, example in new.items():
                if key not in there:
                    await _insert(connection, number, example, by)
            await documents.audit(connection, workspace=number, action="import examples", object_=str(len(new)), by=by)
        return len(set(new) - there)

    async def approve(self, workspace: str, name: str, *, by: str) -> None:
        """Approve an example. UnknownError."""
        await self._sign(workspace, name, "approve", "approved_by = %(by)s", by=by)

    async def consent(self, workspace: str, name: str, *, by: str) -> None:
        """Note who agrees that an example said in private is learned from. UnknownError."""
        await self._sign(workspace, name, "consent to", "consent = %(by)s", by=by)

    async def _sign(self, workspace: str, name: str, action: str, change: LiteralString, *, by: str) -> None:
        if not by:
            raise InputError("This needs a name: say who you are with --by.")
        async with self._database.writing(workspace) as connection:
            number = await documents.workspace_id(connection, workspace)
            cursor = await connection.execute(
                f"update vocero.example set {change} where workspace = %(workspace)s and name = %(name)s",  # noqa: S608
                {"by": by, "workspace": number, "name": name},
            )
            if not cursor.rowcount:
                raise UnknownError(f"There is no example {name!r} in {workspace}: see vocero voice examples list.")
            await documents.audit(connection, workspace=number, action=f"{action} example", object_=name, by=by)


async def _insert(connection: Connection, number: int, example: Example, by: str) -> None:
    passages = [
        {"document": p.document, "chunk": p.chunk, "title": p.title, "text": clean(p.text)} for p in example.passages
    ]
    texts = (clean(example.question), clean(example.answer))
    lineage = (clean(example.document), clean(example.source), json.dumps(example.facts), example.answerable)
    await connection.execute(_INSERT, (number, new_name("e"), *texts, json.dumps(passages), IMPORTED, by, *lineage))


def _to_example(
    name: str,
    question: str,
    answer: str,
    passages: list[object],
    source: str,
    origin: str,
    facts: list[list[str]],
    answerable: bool | None,
) -> Example:
    read = to_passages(passages, name)
    return Example(
        id=name,
        question=question,
        answer=answer,
        passages=read,
        document=source or (read[0].document if read else ""),
        facts=tuple(map(tuple, facts)),
        answerable=answerable if answerable is not None or not read else True,
        source=origin,
    )
