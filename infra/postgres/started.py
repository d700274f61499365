"""A learning that was begun, as its document's row tells it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from core.documents import Source, State
from infra.postgres.documents import Shelved, new_name
from infra.postgres.pool import Connection

_ROW: Final = """
    insert into vocero.document
        (workspace, collection, name, source, title, url, state, stage, deadline, attempt, added_by)
    values (%s, %s, %s, %s, %s, %s, %s, %s, now() + %s, 1, %s)
    on conflict (workspace, collection, source) do update set state = excluded.state, stage = excluded.stage,
        reason = '', deadline = excluded.deadline, attempt = document.attempt + 1, changed = now()
    returning id, name, attempt, content_sha, chunks, title, etag, last_modified
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


async def record(
    connection: Connection,
    *,
    place: tuple[int, int],
    source: Source,
    by: str,
    state: State,
    stage: str,
    seconds: float,
) -> Started:
    """Record a learning under the next attempt; `place`: the numbers of workspace and collection."""
    title, due = source.title or source.name, timedelta(seconds=seconds)
    values = (*place, new_name("d"), source.name, title, source.url or "", state.value, stage, due, by)
    row = await (await connection.execute(_ROW, values)).fetchone()
    assert row is not None  # noqa: S101 - `returning` of an upsert gives its row
    return to_started(Shelved(workspace=place[0], collection=place[1], id=row[0]), row)


def to_started(at: Shelved, row: Sequence[Any], *, given: int | None = None) -> Started:
    """Return what a row of `id` to `last_modified` says."""
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
