"""What a document or a person left in the database, deleted to the last row, and counted for the receipt."""

from collections.abc import Sequence
from typing import Final

from infra.postgres import jobs
from infra.postgres.chunks import delete_chunks
from infra.postgres.documents import Shelved
from infra.postgres.pool import Connection

Counts = tuple[tuple[str, int], ...]

# vectors of its texts, of any revision, that no chunk of another document needs; before the chunks go
_VECTORS: Final = """
    delete from vocero.embedding_cache e where e.workspace = %(workspace)s
    and (e.document = %(id)s or e.text_sha in (
        select text_sha from vocero.data_chunk where workspace = %(workspace)s and document = %(id)s))
    and not exists (select from vocero.data_chunk c
        where c.workspace = %(workspace)s and c.document <> %(id)s and c.text_sha = e.text_sha)
"""
_OF_DOCUMENT: Final = (
    ("turns", "delete from vocero.turn where workspace = %(workspace)s and %(name)s = any (documents)"),
    ("waiting contents", "delete from vocero.pending where workspace = %(workspace)s and document = %(id)s"),
    ("earlier versions", "delete from vocero.previous where workspace = %(workspace)s and document = %(id)s"),
    (
        "answer records",
        "delete from vocero.answer_log where workspace = %(workspace)s and %(name)s = any (documents)",
    ),
    ("gaps", "delete from vocero.gap where workspace = %(workspace)s and filled_by = %(name)s"),
    (
        "examples",
        "delete from vocero.example where workspace = %(workspace)s"
        " and passages @> jsonb_build_array(jsonb_build_object('document', %(name)s::text))",
    ),
    ("documents", "delete from vocero.document where workspace = %(workspace)s and id = %(id)s"),
)
# Examples hold words of a conversation: those of all in which the person asked, while that is still known.
_OF_PERSON: Final = (
    (
        "examples",
        "delete from vocero.example x where x.workspace = %(workspace)s and (x.approved_by = %(name)s"
        " or (x.conversation <> '' and (x.conversation in (select conversation from vocero.exchange"
        " where workspace = %(workspace)s and person = %(name)s) or x.conversation in (select conversation"
        " from vocero.answer_log where workspace = %(workspace)s and person = %(name)s))))",
    ),
    ("turns", "delete from vocero.turn where workspace = %(workspace)s and person = %(name)s"),
    ("feedback", "delete from vocero.feedback where workspace = %(workspace)s and person = %(name)s"),
    ("answers' places", "delete from vocero.exchange where workspace = %(workspace)s and person = %(name)s"),
    ("answer records", "delete from vocero.answer_log where workspace = %(workspace)s and person = %(name)s"),
    ("gaps", "delete from vocero.gap where workspace = %(workspace)s and person = %(name)s"),
    (
        "names on documents",
        "update vocero.document set added_by = '' where workspace = %(workspace)s and added_by = %(name)s",
    ),
    (
        "names on waiting documents",
        "update vocero.pending set person = '' where workspace = %(workspace)s and person = %(name)s",
    ),
    (
        "names on settings",
        "update vocero.room set changed_by = '' where workspace = %(workspace)s and changed_by = %(name)s",
    ),
    (
        "names on collections",
        "update vocero.default_collection set changed_by = ''"
        " where workspace = %(workspace)s and changed_by = %(name)s",
    ),
)
_OF_CONVERSATION: Final = (
    ("turns", "delete from vocero.turn where workspace = %(workspace)s and conversation = %(name)s"),
    ("examples", "delete from vocero.example where workspace = %(workspace)s and conversation = %(name)s"),
    ("answers' places", "delete from vocero.exchange where workspace = %(workspace)s and conversation = %(name)s"),
    ("answer records", "delete from vocero.answer_log where workspace = %(workspace)s and conversation = %(name)s"),
    ("gaps", "delete from vocero.gap where workspace = %(workspace)s and conversation = %(name)s"),
    (
        "deliveries",
        "delete from vocero.inbox where workspace = %(workspace)s and conversation = %(name)s and state <> 'doing'",
    ),
)


async def erase(connection: Connection, at: Shelved, workspace: str, name: str) -> Counts:
    """Delete a document and what came from it; return how many rows of each kind went."""
    values = {"workspace": at.workspace, "id": at.id, "name": name}
    vectors = await _delete(connection, _VECTORS, values)
    gone = await delete_chunks(connection, workspace=at.workspace, document=at.id)
    waiting = await jobs.drop(connection, workspace, name)
    counted = (("cached vectors", vectors), ("chunks", gone), ("jobs", waiting))
    return (*counted, *await _all(connection, _OF_DOCUMENT, values))


async def erase_person(connection: Connection, workspace: int, name: str) -> Counts:
    """Delete what a person asked, said of answers and approved; take the name from what stays."""
    return await _all(connection, _OF_PERSON, {"workspace": workspace, "name": name})


async def erase_conversation(connection: Connection, workspace: int, name: str) -> Counts:
    """Delete what a conversation left."""
    return await _all(connection, _OF_CONVERSATION, {"workspace": workspace, "name": name})


async def _all(connection: Connection, statements: Sequence[tuple[str, str]], values: dict[str, object]) -> Counts:
    return tuple([(kind, await _delete(connection, statement, values)) for kind, statement in statements])


async def _delete(connection: Connection, statement: str, values: dict[str, object]) -> int:
    return (await connection.execute(statement, values)).rowcount
