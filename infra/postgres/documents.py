"""The documents' rows: where each stands, and what is live of it."""

import base64
import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from core import budgets
from core.documents import Chunk, Document, Learned, Place, Source, State
from core.errors import InputError, UnknownError
from infra.postgres.errors import unknown_workspace
from infra.postgres.pool import Connection

PATIENCE: Final = 30  # ms a row: 330 rows/s go into a live index of 100,000, a third of that on a busy machine
_LOCK: Final = 0x766F  # first half of the advisory lock's key; the second is the workspace
_LATE: Final = "It took too long or was interrupted: add it again."
_DOCUMENT: Final = """
    select d.name, d.source, d.title, d.url, c.name, c.scope,
        case when late then 'failed' else d.state end, case when late then %(late)s else d.reason end,
        d.chunks, d.revision, d.media_type, d.added_by, d.created, d.changed,
        case when late then null else d.deadline end, case when late then '' else d.stage end, d.attempt
    from (select *, state in ('queued', 'running') and deadline < now() as late from vocero.document) d
    join vocero.collection c on c.workspace = d.workspace and c.id = d.collection
"""

_FIELDS: Final = (
    *("id", "source", "title", "url", "collection", "scope", "state", "reason", "chunks", "revision", "media_type"),
    *("added_by", "created", "changed", "deadline", "stage", "attempt"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelved:
    """Where a document is in the database."""

    workspace: int
    collection: int
    id: int


def to_sha(*parts: str | bytes) -> bytes:
    """Return one digest of the parts, in which no boundary can be moved."""
    digest = hashlib.sha256()
    for part in parts:
        raw = part.encode() if isinstance(part, str) else part
        digest.update(len(raw).to_bytes(8, "big") + raw)
    return digest.digest()


async def workspace_id(connection: Connection, workspace: str) -> int:
    """Return the number of the transaction's workspace. UnknownError."""
    row = await _one(connection, "select id from vocero.workspace where name = %s", workspace)
    if row is None:
        raise unknown_workspace(workspace)
    return int(row[0])


async def open_place(connection: Connection, place: Place) -> tuple[int, int]:
    """Return workspace and collection, made where they are missing. InputError for a collection of another scope."""
    await connection.execute(
        "insert into vocero.workspace (name) values (%s) on conflict do nothing", (place.workspace,)
    )
    workspace = await workspace_id(connection, place.workspace)
    name = place.collection or await _preferred(connection, workspace, place.scope) or place.name
    await connection.execute(
        "insert into vocero.collection (workspace, name, scope) values (%s, %s, %s) on conflict do nothing",
        (workspace, name, place.scope),
    )
    row = await _one(
        connection, "select id, scope from vocero.collection where workspace = %s and name = %s", workspace, name
    )
    if row is None or row[1] != place.scope:
        scope = row[1] if row else "another scope"
        raise InputError(f"The collection {name!r} is for {scope}, not for {place.scope}: name that scope, or another.")
    return workspace, int(row[0])


async def place_of(connection: Connection, at: Shelved, workspace: str) -> Place:
    """Return where a document is, by its names."""
    statement = "select name, scope from vocero.collection where workspace = %s and id = %s"
    row = await _one(connection, statement, at.workspace, at.collection)
    return Place(workspace=workspace, collection=row[0], scope=row[1]) if row else Place(workspace=workspace)


async def prefer(connection: Connection, workspace: int, place: Place, *, by: str) -> None:
    """Keep where documents of a scope go when no collection is named."""
    await connection.execute(
        "insert into vocero.default_collection (workspace, scope, collection, changed_by) values (%s, %s, %s, %s)"
        " on conflict (workspace, scope) do update set collection = excluded.collection,"
        " changed_by = excluded.changed_by, changed = now()",
        (workspace, place.scope, place.name, by),
    )


async def _preferred(connection: Connection, workspace: int, scope: str) -> str:
    row = await _one(
        connection,
        "select collection from vocero.default_collection where workspace = %s and scope = %s",
        workspace,
        scope,
    )
    return str(row[0]) if row else ""


async def same(
    connection: Connection, workspace: int, collection: int, source: Source, content_sha: bytes
) -> Learned | None:
    """Return that a source is unchanged, if what is live of it came from the same bytes under the same title."""
    row = await _one(
        connection,
        "update vocero.document set state = 'unchanged', reason = '', changed = now()"
        " where workspace = %s and collection = %s and source = %s and content_sha = %s and chunks > 0"
        " and %s in ('', title) and state in ('indexed', 'unchanged') returning name, chunks, title",
        workspace,
        collection,
        source.name,
        content_sha,
        source.title,
    )
    if row is None:
        return None
    return Learned(document=row[0], source=source.name, state=State.UNCHANGED, chunks=row[1], title=row[2])


async def exists(connection: Connection, workspace: int, document: int) -> bool:
    """Whether a document is there; one that was forgotten is not."""
    statement = "select 1 from vocero.document where workspace = %s and id = %s"
    return await _one(connection, statement, workspace, document) is not None


async def choose_model(connection: Connection, *, workspace: int, model: int) -> bool:
    """Take this model for a workspace that has none yet; return whether it is the workspace's."""
    await connection.execute(
        "update vocero.workspace set model = %s where id = %s and model is null", (model, workspace)
    )
    row = await _one(connection, "select model from vocero.workspace where id = %s", workspace)
    return row is not None and row[0] == model


async def lock(connection: Connection, workspace: int, *, rows: int = 0) -> None:
    """Let one change of a workspace's documents through at a time; give it time for the rows that it will write."""
    patience = round(budgets.DATABASE_WRITE * 1000) + PATIENCE * rows
    await connection.execute(f"set local lock_timeout = 0; set local statement_timeout = {patience}")
    await connection.execute("select pg_advisory_xact_lock(%s, %s)", (_LOCK, workspace))


async def raise_edition(connection: Connection, at: Shelved, *, chunks: int) -> None:
    """Make every cached answer that read this collection a stale one; `chunks` is the change of their number."""
    await connection.execute(
        "update vocero.collection set edition = edition + 1, chunks = collection.chunks + %s"
        " where workspace = %s and id = %s",
        (chunks, at.workspace, at.collection),
    )


async def find(connection: Connection, workspace: str, named: str) -> tuple[Shelved, Document, bytes | None]:
    """Return a document by id, source or title, the first that fits. UnknownError; InputError when two share a name."""
    number = await workspace_id(connection, workspace)
    cursor = await connection.execute(
        _DOCUMENT.replace("select d.name", "select d.collection, d.id, d.content_sha, fit, d.name")
        + """ cross join lateral (select case %(named)s when d.name then 0 when d.source then 1 else 2 end as fit) f
        where d.workspace = %(workspace)s and %(named)s in (d.name, d.source, d.title) order by fit limit 3""",
        {"late": _LATE, "named": named, "workspace": number},
    )
    rows = await cursor.fetchall()
    if not rows:
        raise UnknownError(f"There is no document {named[:80]!r} here: `vocero docs list` names them.")
    if len(rows) > 1 and rows[0][3] == rows[1][3]:
        raise InputError(f"Several documents are called {named[:80]!r}: name one by its id, such as {rows[0][4]}.")
    collection, document, sha = rows[0][:3]
    return Shelved(workspace=number, collection=collection, id=document), _to_document(rows[0][4:]), sha


async def listed(connection: Connection, workspace: str, scopes: Sequence[str] | None) -> list[Document]:
    """Return the documents whose scope is among those given (None: all), newest change first. UnknownError."""
    number = await workspace_id(connection, workspace)
    cursor = await connection.execute(
        _DOCUMENT
        + " where d.workspace = %(workspace)s and (%(scopes)s::text[] is null or c.scope = any (%(scopes)s))"
        + " order by d.changed desc, d.id desc",
        {"late": _LATE, "workspace": number, "scopes": None if scopes is None else list(scopes)},
    )
    return [_to_document(row) for row in await cursor.fetchall()]


async def chunks_of(connection: Connection, at: Shelved) -> list[Chunk]:
    """Return a document's chunks, in reading order."""
    cursor = await connection.execute(
        "select node_id, text, path from vocero.data_chunk where workspace = %s and document = %s order by place",
        (at.workspace, at.id),
    )
    return [Chunk(id=row[0], text=row[1], path=tuple(row[2])) for row in await cursor.fetchall()]


async def mark_removed(connection: Connection, at: Shelved) -> None:
    """Record that nothing of a document is live; what is still being learned of it is fenced off."""
    await connection.execute(
        "update vocero.document set state = 'removed', reason = '', stage = '', deadline = null,"
        " chunks = 0, attempt = attempt + 1, live_attempt = attempt, changed = now() where workspace = %s and id = %s",
        (at.workspace, at.id),
    )


async def audit(connection: Connection, *, workspace: int, action: str, object_: str, by: str) -> None:
    """Write one line of who did what; ids only."""
    await connection.execute(
        "insert into vocero.audit (workspace, action, object, person) values (%s, %s, %s, %s)",
        (workspace, action, object_, by),
    )


def new_name(kind: str) -> str:
    """Return an id to show to people: a letter for its kind and 40 random bits, such as `d3kq7mzpa`."""
    return kind + base64.b32encode(secrets.token_bytes(5)).decode().lower()


def _to_document(row: Sequence[Any]) -> Document:
    return Document(**dict(zip(_FIELDS, row, strict=True)) | {"state": State(row[_FIELDS.index("state")])})


async def _one(connection: Connection, statement: str, *values: object) -> tuple[Any, ...] | None:
    return await (await connection.execute(statement, values)).fetchone()
