"""What a document or a person left in the database, deleted to the last row, and counted for the receipt."""

from collections.abc import Sequence
from typing import Final

from core.forgetting import ADAPTER
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
# What an imported example calls its document: by its id, its source, the last part of that, or its title.
_NAMES: Final = """
    select array_remove(array[%s, source, regexp_replace(source, '^.*[/\\\\:]', ''), title], '')
    from vocero.document where workspace = %s and id = %s
"""
_LEARNED_FROM_DOCUMENT: Final = (
    "x.workspace = %(workspace)s and (x.source = any (%(names)s) or exists (select"
    " from jsonb_array_elements(x.passages) p where p ->> 'document' = any (%(names)s)))"
)
# Examples hold words of a conversation: those of all in which the person asked, while that is still known.
_LEARNED_FROM_PERSON: Final = (
    "x.workspace = %(workspace)s and (x.approved_by = %(name)s or x.consent = %(name)s"
    " or (x.conversation <> '' and (x.conversation in (select conversation from vocero.exchange"
    " where workspace = %(workspace)s and person = %(name)s) or x.conversation in (select conversation"
    " from vocero.answer_log where workspace = %(workspace)s and person = %(name)s))))"
)
_LEARNED_FROM_CONVERSATION: Final = "x.workspace = %(workspace)s and x.conversation = %(name)s"
# Adapters that learned from them speak no more; those that spoke no more already are named too, for their files.
_WITHDRAW: Final = """
    update vocero.adapter a set state = 'withdrawn', changed = now(), rebuild_since = coalesce(a.rebuild_since, now()),
        manifest = a.manifest #- '{{dataset,documents}}'
    where a.workspace = %(workspace)s and ({}a.trained_on && array(select x.name from vocero.example x where {}))
    returning a.name
"""
# Its passages stood among what the adapter learned to read, although no example was answered from it.
_READ: Final = "a.manifest #> '{dataset,documents}' ?| %(names)s or "
_OF_DOCUMENT: Final = (
    ("turns", "delete from vocero.turn where workspace = %(workspace)s and %(name)s = any (documents)"),
    ("waiting contents", "delete from vocero.pending where workspace = %(workspace)s and document = %(id)s"),
    ("earlier versions", "delete from vocero.previous where workspace = %(workspace)s and document = %(id)s"),
    (
        "answer records",
        "delete from vocero.answer_log where workspace = %(workspace)s and %(name)s = any (documents)",
    ),
    (
        "citations",
        "update vocero.exchange set cited = '[]' where workspace = %(workspace)s"
        " and cited @> jsonb_build_array(jsonb_build_object('document', %(name)s::text))",
    ),
    ("gaps", "delete from vocero.gap where workspace = %(workspace)s and filled_by = %(name)s"),
    ("examples", f"delete from vocero.example x where {_LEARNED_FROM_DOCUMENT}"),  # noqa: S608 - fixed text
    ("documents", "delete from vocero.document where workspace = %(workspace)s and id = %(id)s"),
)
_OF_PERSON: Final = (
    ("examples", f"delete from vocero.example x where {_LEARNED_FROM_PERSON}"),  # noqa: S608 - fixed text
    ("turns", "delete from vocero.turn where workspace = %(workspace)s and person = %(name)s"),
    ("feedback", "delete from vocero.feedback where workspace = %(workspace)s and person = %(name)s"),
    ("answers' places", "delete from vocero.exchange where workspace = %(workspace)s and person = %(name)s"),
    ("answer records", "delete from vocero.answer_log where workspace = %(workspace)s and person = %(name)s"),
    ("gaps", "delete from vocero.gap where workspace = %(workspace)s and person = %(name)s"),
    (
        "names on documents",
        "update vocero.document set added_by = '' where workspace = %(workspace)s and added_by = %(name)s",
    ),
    ("notices", "delete from vocero.notice where workspace = %(workspace)s and person = %(name)s"),
    (
        "names on deliveries",
        "update vocero.inbox set conversation = '' where workspace = %(workspace)s and state <> 'doing'"
        " and split_part(conversation, '/', -1) = split_part(%(name)s, '/', -1)",
    ),
    (
        "names on adapters",
        "update vocero.adapter set changed_by = '' where workspace = %(workspace)s and changed_by = %(name)s",
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
    ("examples", f"delete from vocero.example x where {_LEARNED_FROM_CONVERSATION}"),  # noqa: S608 - fixed text
    ("notices", "delete from vocero.notice where workspace = %(workspace)s and conversation = %(name)s"),
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
    named = await (await connection.execute(_NAMES, (name, at.workspace, at.id))).fetchone()
    values = {"workspace": at.workspace, "id": at.id, "name": name, "names": named[0] if named else [name]}
    vectors = await _delete(connection, _VECTORS, values)
    gone = await delete_chunks(connection, workspace=at.workspace, document=at.id)
    waiting = await jobs.drop(connection, workspace, name)
    adapters = await _withdrawn(connection, _LEARNED_FROM_DOCUMENT, values, read=_READ)
    counted = (("cached vectors", vectors), ("chunks", gone), ("jobs", waiting))
    return (*counted, *await _all(connection, _OF_DOCUMENT, values), *adapters)


async def erase_person(connection: Connection, workspace: int, name: str) -> Counts:
    """Delete what a person asked, said of answers and approved; take the name from what stays."""
    values = {"workspace": workspace, "name": name}
    adapters = await _withdrawn(connection, _LEARNED_FROM_PERSON, values)
    return (*await _all(connection, _OF_PERSON, values), *adapters)


async def erase_conversation(connection: Connection, workspace: int, name: str) -> Counts:
    """Delete what a conversation left."""
    values = {"workspace": workspace, "name": name}
    adapters = await _withdrawn(connection, _LEARNED_FROM_CONVERSATION, values)
    return (*await _all(connection, _OF_CONVERSATION, values), *adapters)


async def _withdrawn(connection: Connection, learned: str, values: dict[str, object], read: str = "") -> Counts:
    """Withdraw the adapters that were trained on what goes now, before it goes; count each by its name."""
    cursor = await connection.execute(_WITHDRAW.format(read, learned), values)
    return tuple([(f"{ADAPTER}{name}", 1) for (name,) in await cursor.fetchall()])


async def _all(connection: Connection, statements: Sequence[tuple[str, str]], values: dict[str, object]) -> Counts:
    return tuple([(kind, await _delete(connection, statement, values)) for kind, statement in statements])


async def _delete(connection: Connection, statement: str, values: dict[str, object]) -> int:
    return (await connection.execute(statement, values)).rowcount
