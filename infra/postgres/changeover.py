"""From one embedding model to another: what is still to be embedded, what was, and the moment of change."""

from collections.abc import Sequence
from typing import Any, Final

from pgvector import HalfVector
from psycopg import sql

from infra.postgres import documents
from infra.postgres.pool import Connection, Database, Row

_MISSING: Final = """
    select c.id, c.document, c.title, c.path, c.text, c.text_sha from vocero.data_chunk c
    where c.workspace = %s and not exists (select from vocero.{vectors} e where e.chunk = c.id) order by c.id limit %s
"""
_LEFT: Final = """
    select count(*) from vocero.data_chunk c
    where c.workspace = %s and not exists (select from vocero.{vectors} e where e.chunk = c.id)
"""
_PUT: Final = """
    insert into vocero.{vectors} (workspace, collection, chunk, embedding)
    select c.workspace, c.collection, c.id, t.vector from unnest(%s::bigint[], %s::halfvec[]) as t (id, vector)
    join vocero.data_chunk c on c.id = t.id where c.workspace = %s on conflict do nothing
"""
_CHANGE: Final = "update vocero.workspace set former = model, model = %s where id = %s and model <> %s returning former"


async def workspaces_without(database: Database, model: int) -> list[str]:
    """Return the workspaces that another model embedded. KnowledgeDown."""
    return [str(name) for (name,) in await database.fetch("select vocero.workspaces_without(%s)", (model,))]


async def missing(connection: Connection, workspace: int, model: int, most: int) -> list[Row]:
    """Return chunks without a vector of the model: (id, document, title, path, text, digest)."""
    cursor = await connection.execute(_of(_MISSING, model), (workspace, most))
    return await cursor.fetchall()


async def left(connection: Connection, workspace: int, model: int) -> int:
    """Return how many chunks have no vector of the model."""
    row: tuple[Any, ...] | None = await (await connection.execute(_of(_LEFT, model), (workspace,))).fetchone()
    return int(row[0]) if row else 0


async def put(
    connection: Connection, workspace: int, model: int, ids: Sequence[int], vectors: Sequence[HalfVector]
) -> None:
    """Store the vectors of those chunks that are still there."""
    values = (list(ids), list(vectors), workspace)
    await connection.execute(_of(_PUT, model), values, binary=True)


async def change(connection: Connection, workspace: int, model: int, *, by: str) -> bool:
    """Search this model's vectors from now on, if no chunk is without; the transaction holds the workspace's lock."""
    if await left(connection, workspace, model):
        return False
    row: tuple[Any, ...] | None = await (
        await connection.execute("select former from vocero.workspace where id = %s", (workspace,))
    ).fetchone()
    if row and row[0] not in (None, model):  # two changes ago: no process asks for it any more
        await connection.execute(_of("delete from vocero.{vectors} where workspace = %s", row[0]), (workspace,))
    await connection.execute(_CHANGE, (model, workspace, model))
    await connection.execute("update vocero.collection set edition = edition + 1 where workspace = %s", (workspace,))
    await documents.audit(connection, workspace=workspace, action="reindex", object_=str(model), by=by)
    return True


def _of(statement: str, model: int) -> sql.Composed:
    return sql.SQL(statement).format(vectors=sql.Identifier(f"embedding_{model:d}"))
