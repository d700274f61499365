"""A document goes to other readers: its row, its chunks and its vectors, in one transaction."""

from core.documents import Place
from core.errors import InputError
from infra.postgres import documents
from infra.postgres.documents import Shelved
from infra.postgres.pool import Connection


async def move(connection: Connection, at: Shelved, place: Place) -> Shelved:
    """Move a document to a place; the transaction holds the workspace's lock. InputError if its source is there."""
    workspace, collection = await documents.open_place(connection, place)
    if collection == at.collection:
        return at
    values = {"workspace": workspace, "to": collection, "from": at.collection, "id": at.id}
    taken = await connection.execute(
        "select 1 from vocero.document d join vocero.document o on o.workspace = d.workspace and o.source = d.source"
        " where d.workspace = %(workspace)s and d.id = %(id)s and o.collection = %(to)s",
        values,
    )
    if await taken.fetchone():
        raise InputError(f"The collection {place.name!r} holds a document of the same source: remove that one first.")
    await connection.execute(
        "update vocero.document set collection = %(to)s, changed = now()"
        " where workspace = %(workspace)s and id = %(id)s",
        values,
    )
    moved = await connection.execute(
        "update vocero.data_chunk set collection = %(to)s where workspace = %(workspace)s and document = %(id)s", values
    )
    for vectors in await vector_tables(connection):
        await connection.execute(
            f"update vocero.{vectors} e set collection = %(to)s from vocero.data_chunk c"  # noqa: S608 - a number's name
            " where c.workspace = %(workspace)s and c.document = %(id)s and e.chunk = c.id",
            values,
        )
    there = Shelved(workspace=workspace, collection=collection, id=at.id)
    await documents.raise_edition(connection, at, chunks=-moved.rowcount)
    await documents.raise_edition(connection, there, chunks=moved.rowcount)
    return there


async def vector_tables(connection: Connection) -> list[str]:
    """Return the names of all models' tables of vectors, made of their numbers."""
    cursor = await connection.execute("select id from vocero.embedding_model order by id")
    return [f"embedding_{number:d}" for (number,) in await cursor.fetchall()]
