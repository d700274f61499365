"""The approved examples of a workspace, on Postgres; chat writes them too (see lessons.py)."""

import json
from collections.abc import Sequence
from typing import Final

from core.errors import InputError, UnknownError
from core.examples import Example, to_passages
from infra.postgres import documents
from infra.postgres.documents import new_name
from infra.postgres.pool import Connection, Database
from infra.postgres.text import clean

IMPORTED: Final = "import"  # the conversation of an example that came from a file: it waits for an approval
_LIST: Final = """
    select e.name, e.question, e.answer, e.passages, e.approved_by
    from vocero.example e join vocero.workspace w on w.id = e.workspace where w.name = %s order by e.created, e.name
"""
_INSERT: Final = """
    insert into vocero.example (workspace, name, question, answer, passages, conversation, approved_by)
    values (%s, %s, %s, %s, %s, %s, %s)
"""


class PostgresExamples:
    """Keeps examples; those that came from a file count as approved when somebody approves them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def listed(self, workspace: str) -> list[tuple[Example, str]]:
        """Return the examples, oldest first, each with who approved it: empty for nobody yet."""
        async with self._database.reading(workspace) as connection:
            await documents.workspace_id(connection, workspace)
            rows = await (await connection.execute(_LIST, (workspace,))).fetchall()
        return [(_to_example(*row[:4]), str(row[4])) for row in rows]

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
        if not by:
            raise InputError("An approval needs a name: say who you are with --by.")
        async with self._database.writing(workspace) as connection:
            number = await documents.workspace_id(connection, workspace)
            cursor = await connection.execute(
                "update vocero.example set approved_by = %s where workspace = %s and name = %s", (by, number, name)
            )
            if not cursor.rowcount:
                raise UnknownError(f"There is no example {name!r} in {workspace}: see vocero voice examples list.")
            await documents.audit(connection, workspace=number, action="approve example", object_=name, by=by)


async def _insert(connection: Connection, number: int, example: Example, by: str) -> None:
    passages = [
        {"document": p.document, "chunk": p.chunk, "title": p.title, "text": clean(p.text)} for p in example.passages
    ]
    texts = (clean(example.question), clean(example.answer))
    await connection.execute(_INSERT, (number, new_name("e"), *texts, json.dumps(passages), IMPORTED, by))


def _to_example(name: str, question: str, answer: str, passages: list[object]) -> Example:
    read = to_passages(passages, name)
    document = read[0].document if read else ""
    return Example(
        id=name,
        question=question,
        answer=answer,
        passages=read,
        document=document,
        answerable=True if read else None,
    )
