"""A learning as the database sees it: queued, begun, kept alive, ended. Each is fenced by its attempt: what a newer one
has overtaken changes nothing any more."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from core.documents import Source, State
from infra.postgres import jobs
from infra.postgres.documents import Shelved, new_name
from infra.postgres.pool import Connection

QUEUED: Final = 3600.0  # seconds that a document waits for a worker; a living one extends it while it has much to do

_ROW: Final = """
    insert into vocero.document
        (workspace, collection, name, source, title, url, state, stage, deadline, attempt, added_by)
    values (%s, %s, %s, %s, %s, %s, %s, %s, now() + %s, 1, %s)
    on conflict (workspace, collection, source) do update set state = excluded.state, stage = excluded.stage,
        reason = '', deadline = excluded.deadline, attempt = document.attempt + 1, changed = now()
    returning id, name, attempt, content_sha, chunks, title, etag, last_modified
"""
_CLAIM: Final = """
    update vocero.document d set state = 'running', stage = 'reading', reason = '', attempt = d.attempt + 1,
        deadline = now() + %s, changed = now()
    from vocero.pending p
    where d.workspace = vocero.current_workspace() and d.name = %s and p.workspace = d.workspace and p.document = d.id
    returning d.id, d.name, d.attempt, d.content_sha, d.chunks, d.title, d.etag, d.last_modified, d.workspace,
        d.collection, d.source
"""
_GIVEN: Final = """
    update vocero.pending set tries = tries + 1 where workspace = %s and document = %s
    returning attempt, url, content, media_type, title, person, force, allow_secrets, tries, waits
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """A learning that was begun; `content_sha` to `last_modified` are of what was live then.

    `given`: the attempt with which its content was queued, None if it was not.
    """

    at: Shelved
    name: str
    attempt: int
    content_sha: bytes | None
    chunks: int
    title: str
    etag: str = ""
    last_modified: str = ""
    given: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What was queued; `tries` counts how often it was begun, `waits` how often it was put off."""

    source: Source
    by: str
    force: bool
    allow_secrets: bool
    tries: int
    waits: int


async def start(
    connection: Connection, *, workspace: int, collection: int, source: Source, by: str, seconds: float
) -> Started:
    """Record that a source is being learned, before anything is fetched; what was queued of it before is overtaken."""
    row = await _upsert(connection, workspace, collection, source, by, State.RUNNING, "reading", seconds)
    started = _to_started(Shelved(workspace=workspace, collection=collection, id=row[0]), row)
    await drop_pending(connection, started.at)
    return started


async def queue(
    connection: Connection,
    *,
    place: tuple[str, int, int],
    source: Source,
    by: str,
    force: bool = False,
    allow_secrets: bool = False,
) -> Started:
    """Record that a source waits for a worker, keep what was given, and queue its job: all of it or nothing.

    `place`: the workspace's name and number, and the collection's.
    """
    name, workspace, collection = place
    row = await _upsert(connection, workspace, collection, source, by, State.QUEUED, "waiting for a worker", QUEUED)
    started = _to_started(Shelved(workspace=workspace, collection=collection, id=row[0]), row)
    await connection.execute(
        """
        insert into vocero.pending
            (workspace, document, attempt, url, content, media_type, title, person, force, allow_secrets)
        values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
        on conflict (workspace, document) do update set attempt = excluded.attempt, url = excluded.url,
            content = excluded.content, media_type = excluded.media_type, title = excluded.title,
            person = excluded.person, force = excluded.force, allow_secrets = excluded.allow_secrets,
            tries = 0, waits = 0, created = now()
        """,
        (
            workspace,
            started.at.id,
            started.attempt,
            source.url or "",
            source.content,
            source.media_type,
            source.title,
            by,
            force,
            allow_secrets,
        ),
    )
    await jobs.enqueue(connection, name, started.name)
    return started


async def claim(connection: Connection, document: str, *, seconds: float) -> tuple[Started, Given] | None:
    """Begin what was queued of a document; None when nothing is, any more."""
    row = await _one(connection, _CLAIM, timedelta(seconds=seconds), document)
    if row is None:
        return None
    at = Shelved(workspace=row[8], collection=row[9], id=row[0])
    kept = await _one(connection, _GIVEN, at.workspace, at.id)
    if kept is None:
        return None
    attempt, url, content, media_type, title, person, force, allow_secrets, tries, waits = kept
    source = Source(
        name=row[10], url=url or None, content=None if url else bytes(content), media_type=media_type, title=title
    )
    given = Given(source=source, by=person, force=force, allow_secrets=allow_secrets, tries=tries, waits=waits)
    return _to_started(at, row, given=attempt), given


async def postpone(
    connection: Connection, started: Started, workspace: str, *, reason: str, seconds: float, waits: int = 1
) -> None:
    """Queue a begun learning again for later; a newer one's state stays. `waits` 0: it was not the document's fault."""
    found = await connection.execute(
        "update vocero.document set state = 'queued', stage = %s, deadline = now() + %s, changed = now()"
        " where workspace = %s and id = %s and attempt = %s",
        (reason, timedelta(seconds=seconds + QUEUED), started.at.workspace, started.at.id, started.attempt),
    )
    if found.rowcount:
        await connection.execute(
            "update vocero.pending set waits = waits + %s, tries = tries - 1 where workspace = %s and document = %s",
            (waits, started.at.workspace, started.at.id),
        )
        await jobs.enqueue(connection, workspace, started.name, seconds=seconds)


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
        "update vocero.document set state = %s, reason = %s, stage = '', deadline = null, changed = now(),"
        " fetched = now() where workspace = %s and id = %s and attempt = %s",
        (state.value, reason, started.at.workspace, started.at.id, started.attempt),
    )
    await drop_pending(connection, started.at, given=started.given)


async def live(connection: Connection, started: Started) -> tuple[int, Shelved] | None:
    """Return the revision that is live, and where; None if one that began later is, or nothing should be.

    So the newest started wins, and it goes where the document is now, should it have been shared meanwhile.
    """
    at = started.at
    row = await _one(
        connection,
        "select revision, collection from vocero.document where workspace = %s and id = %s and live_attempt < %s",
        at.workspace,
        at.id,
        started.attempt,
    )
    return (int(row[0]), Shelved(workspace=at.workspace, collection=row[1], id=at.id)) if row else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """What becomes live of a document."""

    title: str
    url: str
    media_type: str
    content_sha: bytes | None
    revision: int
    chunks: int
    etag: str = ""
    last_modified: str = ""


async def publish(connection: Connection, started: Started, version: Version) -> None:
    """Record what is live of a document now."""
    await connection.execute(
        """
        update vocero.document set live_attempt = %(attempt)s, title = %(title)s, url = %(url)s,
            media_type = %(media_type)s, content_sha = %(sha)s, revision = %(revision)s, chunks = %(chunks)s,
            etag = %(etag)s, last_modified = %(last_modified)s, changed = now(), fetched = now(),
            state = case when attempt = %(attempt)s then 'indexed' else state end,
            reason = case when attempt = %(attempt)s then '' else reason end,
            stage = case when attempt = %(attempt)s then '' else stage end,
            deadline = case when attempt = %(attempt)s then null else deadline end
        where workspace = %(workspace)s and id = %(id)s
        """,
        {
            "attempt": started.attempt,
            "title": version.title,
            "url": version.url,
            "media_type": version.media_type,
            "sha": version.content_sha,
            "revision": version.revision,
            "chunks": version.chunks,
            "etag": version.etag,
            "last_modified": version.last_modified,
            "workspace": started.at.workspace,
            "id": started.at.id,
        },
    )
    await drop_pending(connection, started.at, given=started.given)


async def drop_pending(connection: Connection, at: Shelved, *, given: int | None = None) -> None:
    """Delete what waits of a document: all, or only what was given with this attempt."""
    await connection.execute(
        "delete from vocero.pending where workspace = %s and document = %s and (%s::int is null or attempt = %s)",
        (at.workspace, at.id, given, given),
    )


async def _upsert(
    connection: Connection,
    workspace: int,
    collection: int,
    source: Source,
    by: str,
    state: State,
    stage: str,
    seconds: float,
) -> tuple[Any, ...]:
    title, due = source.title or source.name, timedelta(seconds=seconds)
    values = (workspace, collection, new_name("d"), source.name, title, source.url or "", state.value, stage, due, by)
    row = await _one(connection, _ROW, *values)
    assert row is not None  # noqa: S101 - `returning` of an upsert gives its row
    return row


def _to_started(at: Shelved, row: Sequence[Any], *, given: int | None = None) -> Started:
    _, name, attempt, content_sha, chunks, title, etag, last_modified = row[:8]
    return Started(
        at=at,
        name=name,
        attempt=attempt,
        content_sha=content_sha,
        chunks=chunks,
        title=title,
        etag=etag,
        last_modified=last_modified,
        given=given,
    )


async def _one(connection: Connection, statement: str, *values: object) -> tuple[Any, ...] | None:
    return await (await connection.execute(statement, values)).fetchone()
