"""What belongs to a Discord server as a whole: who edits, and which commands Discord was sent.

Servers are rooms of their own, named like their workspace; the application's commands are a room of the platform.
"""

import json
from typing import Any, Final

from core.chat import Turn
from infra.postgres.pool import Connection, Database

PLATFORM: Final = "discord"
_READ: Final = (
    "select r.settings from vocero.room r join vocero.workspace w on w.id = r.workspace"
    " where w.name = %s and r.name = %s"
)
_AUDIT: Final = "insert into vocero.audit (workspace, action, object, person, detail) values (%s, %s, %s, %s, %s)"
_WRITE: Final = """
    insert into vocero.room (workspace, name, settings, changed_by)
    select id, %s, %s, %s from vocero.workspace where name = %s
    on conflict (workspace, name) do update
    set settings = excluded.settings, changed_by = excluded.changed_by, changed = now()
"""


class PostgresGuilds:
    """The port `Guilds` of the Discord adapter."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def editors(self, workspace: str) -> frozenset[str]:
        """Return the roles."""
        return frozenset((await self._read(workspace, workspace)).get("editors", ()))

    async def appoint(self, workspace: str, role: str, *, by: str, allowed: bool) -> frozenset[str]:
        """Change them under the workspace's lock, with an audit row."""
        async with self._database.writing(workspace) as connection:
            number = await _number(connection, workspace)
            await connection.execute("select pg_advisory_xact_lock(%s, hashtext('editors'))", (number,))
            row = await (await connection.execute(_READ, (workspace, workspace))).fetchone()
            kept: dict[str, Any] = dict(row[0]) if row else {}
            editors = set(kept.get("editors", ())) | {role} if allowed else set(kept.get("editors", ())) - {role}
            kept["editors"] = sorted(editors)
            await connection.execute(_WRITE, (workspace, json.dumps(kept), by, workspace))
            action = "appoint" if allowed else "dismiss"
            await connection.execute(_AUDIT, (number, action, f"role/{role}", by, "{}"))
        return frozenset(editors)

    async def commands(self, app: str) -> str:
        """Return the hash."""
        return str((await self._read(PLATFORM, f"commands/{app}")).get("mark", ""))

    async def begin(self, app: str, mark: str, *, force: bool, seconds: float) -> Turn:
        """Take the turn under a lock, so that of many processes that start at once one sends the commands."""
        async with self._database.writing(PLATFORM) as connection:
            number = await _number(connection, PLATFORM)
            await connection.execute("select pg_advisory_xact_lock(%s, hashtext(%s))", (number, f"commands/{app}"))
            row = await (await connection.execute(_READ, (PLATFORM, f"commands/{app}"))).fetchone()
            kept: dict[str, Any] = dict(row[0]) if row else {}
            if kept.get("mark") == mark and not force:
                return Turn.DONE
            now = await (await connection.execute("select extract(epoch from clock_timestamp())::float8")).fetchone()
            assert now is not None  # noqa: S101 - a clock always answers
            if kept.get("until", 0.0) > now[0]:
                return Turn.WAIT
            kept["until"] = now[0] + seconds
            await connection.execute(_WRITE, (f"commands/{app}", json.dumps(kept), "", PLATFORM))
        return Turn.OURS

    async def sent(self, app: str, mark: str) -> None:
        """Keep the hash and end the turn."""
        async with self._database.writing(PLATFORM) as connection:
            await _number(connection, PLATFORM)
            await connection.execute(_WRITE, (f"commands/{app}", json.dumps({"mark": mark}), "", PLATFORM))

    async def _read(self, workspace: str, room: str) -> dict[str, Any]:
        async with self._database.reading(workspace) as connection:
            row = await (await connection.execute(_READ, (workspace, room))).fetchone()
        return dict(row[0]) if row else {}


async def _number(connection: Connection, workspace: str) -> int:
    """Return a workspace's number; it is made if this is the first that is heard of it."""
    await connection.execute("insert into vocero.workspace (name) values (%s) on conflict do nothing", (workspace,))
    row = await (await connection.execute("select id from vocero.workspace where name = %s", (workspace,))).fetchone()
    assert row is not None  # noqa: S101 - it was just made
    return int(row[0])
