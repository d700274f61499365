"""A learning as the database sees it: begun, kept alive, ended. Each is fenced by its attempt: what a newer one has
overtaken changes nothing any more."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from core.documents import Source, State
from infra.postgres import pending
from infra.postgres.documents import Shelved
from infra.postgres.pool import Connection
from infra.postgres.started import Started, record

__all__ = ["Started", "Version", "finish", "keep_alive", "live", "publish", "start"]


async def start(
    connection: Connection, *, workspace: int, collection: int, source: Source, by: str, seconds: float
) -> Started:
    """Record that a source is being learned, before anything is fetched; what was queued of it before is overtaken."""
    started = await record(
        connection,
        place=(workspace, collection),
        source=source,
        by=by,
        state=State.RUNNING,
        stage="reading",
        seconds=seconds,
    )
    await pending.drop(connection, started.at)
    return started


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
    await pending.drop(connection, started.at, given=started.given)


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
    await pending.drop(connection, started.at, given=started.given)


async def _one(connection: Connection, statement: str, *values: object) -> tuple[Any, ...] | None:
    return await (await connection.execute(statement, values)).fetchone()
