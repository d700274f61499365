"""What was given to be learned and waits for a worker: kept with its job and with who wants to hear the end."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from core.documents import Notice, Source, State
from infra.postgres import jobs
from infra.postgres.documents import Shelved
from infra.postgres.pool import Connection
from infra.postgres.started import Started, record, to_started

QUEUED: Final = 3600.0  # seconds that a document waits for a worker; a living one extends it while it has much to do

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
    returning attempt, url, content, media_type, title, person, force, allow_secrets, tries, waits, depth
"""
_KEEP: Final = """
    insert into vocero.pending
        (workspace, document, attempt, url, content, media_type, title, person, force, allow_secrets, depth)
    values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
    on conflict (workspace, document) do update set attempt = excluded.attempt, url = excluded.url,
        content = excluded.content, media_type = excluded.media_type, title = excluded.title,
        person = excluded.person, force = excluded.force, allow_secrets = excluded.allow_secrets,
        depth = excluded.depth, tries = 0, waits = 0, created = now()
"""
_KNOWN: Final = """
    select 1 from vocero.notice where workspace = %(workspace)s and key = %(key)s
    union all select 1 from vocero.inbox where workspace = %(workspace)s and event_key = 'notice/' || %(key)s
"""
_NOTICE: Final = """
    insert into vocero.notice (workspace, key, person, conversation, tongue, address)
    values (%s, %s, %s, %s, %s, %s) returning id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """How something is to be learned: for whom, anew, with secrets, so many links deep."""

    by: str = ""
    force: bool = False
    allow_secrets: bool = False
    depth: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What was queued; `tries` counts how often it was begun, `waits` how often it was put off."""

    source: Source
    wish: Wish
    tries: int
    waits: int


async def queue(connection: Connection, *, place: tuple[str, int, int], source: Source, wish: Wish) -> Started:
    """Record that a source waits for a worker, keep what was given, and queue its job: all of it or nothing.

    `place`: the workspace's name and number, and the collection's.
    """
    name, workspace, collection = place
    started = await record(
        connection,
        place=(workspace, collection),
        source=source,
        by=wish.by,
        state=State.QUEUED,
        stage="waiting for a worker",
        seconds=QUEUED,
    )
    of_source = (source.url or "", source.content, source.media_type, source.title)
    of_wish = (wish.by, wish.force, wish.allow_secrets, wish.depth)
    await connection.execute(_KEEP, (workspace, started.at.id, started.attempt, *of_source, *of_wish))
    await jobs.enqueue(connection, name, started.name)
    return started


async def told_before(connection: Connection, workspace: int, notice: Notice) -> bool:
    """Whether this very order was queued before, by a process that died before it could say so."""
    return await _one(connection, _KNOWN, {"workspace": workspace, "key": notice.key}) is not None


async def notify(connection: Connection, workspace: int, notice: Notice, waiting: Sequence[Started]) -> None:
    """Let a person hear how all of these end; the end itself tells them (see vocero.tell)."""
    who = (notice.key, notice.person, notice.conversation, notice.tongue, json.dumps(dict(notice.address)))
    row = await _one(connection, _NOTICE, (workspace, *who))
    assert row is not None  # noqa: S101 - `returning` of an insert gives its row
    async with connection.cursor() as cursor:
        await cursor.executemany(
            "insert into vocero.awaited (workspace, notice, document, name) values (%s, %s, %s, %s)"
            " on conflict do nothing",
            [(workspace, row[0], started.at.id, started.name) for started in waiting],
        )


async def count_pages(connection: Connection, started: Started, *, learned: int, failed: int) -> None:
    """Note how many further pages a crawl has brought, for those who will hear its end."""
    await connection.execute(
        "update vocero.awaited set pages = %s, failed = %s where workspace = %s and document = %s and ended is null",
        (learned, failed, started.at.workspace, started.at.id),
    )


async def claim(connection: Connection, document: str, *, seconds: float) -> tuple[Started, Given] | None:
    """Begin what was queued of a document; None when nothing is, any more."""
    row = await _one(connection, _CLAIM, (timedelta(seconds=seconds), document))
    if row is None:
        return None
    at = Shelved(workspace=row[8], collection=row[9], id=row[0])
    kept = await _one(connection, _GIVEN, (at.workspace, at.id))
    if kept is None:
        return None
    attempt, url, content, media_type, title, person, force, allow_secrets, tries, waits, depth = kept
    source = Source(
        name=row[10], url=url or None, content=None if url else bytes(content), media_type=media_type, title=title
    )
    wish = Wish(by=person, force=force, allow_secrets=allow_secrets, depth=depth)
    return to_started(at, row, given=attempt), Given(source=source, wish=wish, tries=tries, waits=waits)


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


async def drop(connection: Connection, at: Shelved, *, given: int | None = None) -> None:
    """Delete what waits of a document: all, or only what was given with this attempt."""
    await connection.execute(
        "delete from vocero.pending where workspace = %s and document = %s and (%s::int is null or attempt = %s)",
        (at.workspace, at.id, given, given),
    )


async def _one(connection: Connection, statement: str, values: Any) -> tuple[Any, ...] | None:
    return await (await connection.execute(statement, values)).fetchone()
