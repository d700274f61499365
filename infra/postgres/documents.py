"""The documents' rows: where each is, what is live of it, and the tombstones of what was forgotten."""

import base64
import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from core import budgets
from core.documents import Chunk, Document, Place, Source, State
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
        case when late then null else d.deadline end
    from (select *, state in ('queued', 'running') and deadline < now() as late from vocero.document) d
    join vocero.collection c on c.workspace = d.workspace and c.id = d.collection
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelved:
    """Where a document is in the database."""

    workspace: int
    collection: int
    id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """A learning that was begun: `attempt` fences it against a newer one."""

    at: Shelved
    name: str
    attempt: int
    content_sha: bytes | None
    chunks: int
    title: str


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
    await connection.execute(
        "insert into vocero.collection (workspace, name, scope) values (%s, %s, %s) on conflict do nothing",
        (workspace, place.name, place.scope),
    )
    row = await _one(
        connection, "select id, scope from vocero.collection where workspace = %s and name = %s", workspace, place.name
    )
    if row is None or row[1] != place.scope:
        scope = row[1] if row else "another scope"
        raise InputError(
            f"The collection {place.name!r} is for {scope}, not for {place.scope}: name that scope, or another."
        )
    return workspace, int(row[0])


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


async def start(
    connection: Connection, *, workspace: int, collection: int, source: Source, by: str, seconds: float
) -> Started:
    """Record that a source is being learned, before anything is fetched."""
    row = await _one(
        connection,
        """
        insert into vocero.document
            (workspace, collection, name, source, title, url, state, stage, deadline, attempt, added_by)
        values (%s, %s, %s, %s, %s, %s, 'running', 'reading', now() + %s, 1, %s)
        on conflict (workspace, collection, source) do update set state = 'running', stage = 'reading', reason = '',
            deadline = excluded.deadline, attempt = document.attempt + 1, changed = now()
        returning id, name, attempt, content_sha, chunks, title
        """,
        workspace,
        collection,
        new_name("d"),
        source.name,
        source.title or source.name,
        source.url or "",
        timedelta(seconds=seconds),
        by,
    )
    assert row is not None  # noqa: S101 - `returning` of an upsert gives its row
    at = Shelved(workspace=workspace, collection=collection, id=row[0])
    return Started(at=at, name=row[1], attempt=row[2], content_sha=row[3], chunks=row[4], title=row[5])


async def keep_alive(connection: Connection, started: Started, *, stage: str, seconds: float) -> None:
    """Say where a learning is, and give it more time."""
    await connection.execute(
        "update vocero.document set stage = %s, deadline = now() + %s"
        " where workspace = %s and id = %s and attempt = %s and state = 'running'",
        (stage, timedelta(seconds=seconds), started.at.workspace, started.at.id, started.attempt),
    )


async def finish(connection: Connection, started: Started, state: State, reason: str = "") -> None:
    """End a learning that changes nothing of what is live; a newer one's state stays."""
    await connection.execute(
        "update vocero.document set state = %s, reason = %s, stage = '', deadline = null, changed = now()"
        " where workspace = %s and id = %s and attempt = %s",
        (state.value, reason, started.at.workspace, started.at.id, started.attempt),
    )


async def live_revision(connection: Connection, started: Started) -> int | None:
    """Return which revision is live; None if one that began later is, or nothing should be: the newest started wins."""
    row = await _one(
        connection,
        "select revision from vocero.document where workspace = %s and id = %s and live_attempt < %s",
        started.at.workspace,
        started.at.id,
        started.attempt,
    )
    return int(row[0]) if row else None


async def publish(
    connection: Connection,
    started: Started,
    *,
    title: str,
    url: str,
    media_type: str,
    content_sha: bytes,
    revision: int,
    chunks: int,
) -> None:
    """Record what is live of a document now."""
    await connection.execute(
        """
        update vocero.document set live_attempt = %(attempt)s, title = %(title)s, url = %(url)s,
            media_type = %(media_type)s,
            content_sha = %(sha)s, revision = %(revision)s, chunks = %(chunks)s, changed = now(),
            state = case when attempt = %(attempt)s then 'indexed' else state end,
            stage = case when attempt = %(attempt)s then '' else stage end,
            deadline = case when attempt = %(attempt)s then null else deadline end
        where workspace = %(workspace)s and id = %(id)s
        """,
        {
            "attempt": started.attempt,
            "title": title,
            "url": url,
            "media_type": media_type,
            "sha": content_sha,
            "revision": revision,
            "chunks": chunks,
            "workspace": started.at.workspace,
            "id": started.at.id,
        },
    )


async def raise_edition(connection: Connection, at: Shelved, *, chunks: int) -> None:
    """Make every cached answer that read this collection a stale one; `chunks` is the change of their number."""
    await connection.execute(
        "update vocero.collection set edition = edition + 1, chunks = collection.chunks + %s"
        " where workspace = %s and id = %s",
        (chunks, at.workspace, at.collection),
    )


async def forgotten(connection: Connection, *, workspace: int, source: str, content_sha: bytes | None = None) -> str:
    """Return the day on which this source or these bytes were forgotten; empty if they were not."""
    row = await _one(
        connection,
        "select to_char(min(forgotten), 'YYYY-MM-DD') from vocero.tombstone"
        " where workspace = %s and (source_sha = %s or content_sha = %s)",
        workspace,
        to_sha(source),
        content_sha,
    )
    return str(row[0]) if row and row[0] else ""


async def bury(connection: Connection, *, workspace: int, source: str, content_sha: bytes | None) -> None:
    """Keep a source and its bytes from coming back."""
    await connection.execute(
        "insert into vocero.tombstone (workspace, source_sha, content_sha) values (%s, %s, %s)"
        " on conflict (workspace, source_sha) do update set content_sha = excluded.content_sha, forgotten = now()",
        (workspace, to_sha(source), content_sha),
    )


async def unbury(connection: Connection, *, workspace: int, source: str, content_sha: bytes | None = None) -> None:
    """Lift the tombstones of a source and of its bytes."""
    await connection.execute(
        "delete from vocero.tombstone where workspace = %s and (source_sha = %s or content_sha = %s)",
        (workspace, to_sha(source), content_sha),
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
    (
        id_,
        source,
        title,
        url,
        collection,
        scope,
        state,
        reason,
        chunks,
        revision,
        media_type,
        by,
        created,
        changed,
        due,
    ) = row
    return Document(
        id=id_,
        source=source,
        title=title,
        url=url,
        collection=collection,
        scope=scope,
        state=State(state),
        reason=reason,
        chunks=chunks,
        revision=revision,
        media_type=media_type,
        added_by=by,
        created=created,
        changed=changed,
        deadline=due,
    )


async def _one(connection: Connection, statement: str, *values: object) -> tuple[Any, ...] | None:
    return await (await connection.execute(statement, values)).fetchone()
