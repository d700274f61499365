"""What a document left in the database, deleted to the last row, and counted for the receipt."""

from typing import Final

from infra.postgres.chunks import delete_chunks
from infra.postgres.documents import Shelved
from infra.postgres.pool import Connection

# vectors of its texts, of any revision, that no chunk of another document needs; before the chunks go
_VECTORS: Final = """
    delete from vocero.embedding_cache e where e.workspace = %(workspace)s
    and (e.document = %(id)s or e.text_sha in (
        select text_sha from vocero.data_chunk where workspace = %(workspace)s and document = %(id)s))
    and not exists (select from vocero.data_chunk c
        where c.workspace = %(workspace)s and c.document <> %(id)s and c.text_sha = e.text_sha)
"""
_ANSWERS: Final = "delete from vocero.answer_log where workspace = %(workspace)s and %(name)s = any (documents)"
_GAPS: Final = "delete from vocero.gap where workspace = %(workspace)s and filled_by = %(name)s"
_EXAMPLES: Final = """
    delete from vocero.example where workspace = %(workspace)s
    and passages @> jsonb_build_array(jsonb_build_object('document', %(name)s::text))
"""
_DOCUMENT: Final = "delete from vocero.document where workspace = %(workspace)s and id = %(id)s"


async def erase(connection: Connection, at: Shelved, name: str) -> tuple[tuple[str, int], ...]:
    """Delete a document and what came from it; return how many rows of each kind went."""
    values = {"workspace": at.workspace, "id": at.id, "name": name}
    counted = [("cached vectors", await _delete(connection, _VECTORS, values))]
    counted.append(("chunks", await delete_chunks(connection, workspace=at.workspace, document=at.id)))
    counted.append(("answer records", await _delete(connection, _ANSWERS, values)))
    counted.append(("gaps", await _delete(connection, _GAPS, values)))
    counted.append(("examples", await _delete(connection, _EXAMPLES, values)))
    counted.append(("documents", await _delete(connection, _DOCUMENT, values)))
    return tuple(counted)


async def _delete(connection: Connection, statement: str, values: dict[str, object]) -> int:
    return (await connection.execute(statement, values)).rowcount
