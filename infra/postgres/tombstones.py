"""The tombstones of what was forgotten: digests only, so that it stays away without being remembered."""

from typing import Any

from infra.postgres.documents import to_sha
from infra.postgres.pool import Connection


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


async def _one(connection: Connection, statement: str, *values: object) -> tuple[Any, ...] | None:
    return await (await connection.execute(statement, values)).fetchone()
