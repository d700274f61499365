"""The rooms' settings on Postgres."""

import json
import time
from dataclasses import fields
from typing import Any, Final

import structlog

from core.errors import BotError
from core.rooms import Room, Settings, changed
from infra.postgres.pool import Database

FRESH: Final = 5.0  # seconds; a change made by another process is seen after that
MOST: Final = 10_000  # rooms kept
_KNOWN: Final = """
    select name, max(label), (array_agg(settings) filter (where settings is not null))[1], max(by) from (
        select r.name, r.label, r.settings, r.changed_by as by from vocero.room r
        join vocero.workspace w on w.id = r.workspace where w.name = %s and starts_with(r.name, %s)
        union all select distinct array_to_string((string_to_array(x.message, '/'))[1:3], '/'), '', null::jsonb, ''
        from vocero.exchange x
        join vocero.workspace w on w.id = x.workspace where w.name = %s
    ) rooms group by name order by max(label) = '', max(label), name limit %s
"""
LISTED: Final = 500  # rooms of one page
log = structlog.get_logger()


class PostgresRooms:
    """The port `Rooms`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._kept: dict[tuple[str, str], tuple[float, Settings]] = {}

    async def settings(self, workspace: str, room: str) -> Settings:
        """Return a room's settings, the defaults when they cannot be read."""
        when, kept = self._kept.get((workspace, room), (-FRESH, Settings()))
        if time.monotonic() - when < FRESH:
            return kept
        try:
            async with self._database.reading(workspace) as connection:
                cursor = await connection.execute(
                    "select r.settings from vocero.room r join vocero.workspace w on w.id = r.workspace"
                    " where w.name = %s and r.name = %s",
                    (workspace, room),
                )
                row = await cursor.fetchone()
        except BotError as error:
            log.warning("settings not read", error=type(error).__name__)
            return Settings()
        return self._keep(workspace, room, _to_settings(row[0] if row else {}))

    async def known(self, workspace: str) -> list[Room]:
        """Return the rooms, those with a name first."""
        values = (workspace, f"{workspace}/", workspace, LISTED)
        async with self._database.reading(workspace) as connection:
            rows = await (await connection.execute(_KNOWN, values)).fetchall()
        return [Room(name=n, label=label, settings=_to_settings(kept or {}), by=by) for n, label, kept, by in rows]

    async def change(
        self, workspace: str, room: str, key: str, value: str, *, by: str, label: str = "", tongue: str = "en"
    ) -> Settings:
        """Change one setting under the row's lock and return all."""
        async with self._database.writing(workspace) as connection:
            await connection.execute(
                "insert into vocero.workspace (name) values (%s) on conflict do nothing", (workspace,)
            )
            cursor = await connection.execute(
                "insert into vocero.room (workspace, name) select id, %s from vocero.workspace where name = %s"
                " on conflict (workspace, name) do update set changed = now() returning settings",
                (room, workspace),
            )
            row = await cursor.fetchone()
            settings = changed(_to_settings(row[0] if row else {}), key, value, tongue)
            values = {field.name: getattr(settings, field.name) for field in fields(settings)}
            await connection.execute(
                "update vocero.room r set settings = %s, changed_by = %s, label = coalesce(nullif(%s, ''), label)"
                " from vocero.workspace w where w.id = r.workspace and w.name = %s and r.name = %s",
                (json.dumps(values), by, label, workspace, room),
            )
        return self._keep(workspace, room, settings)

    def _keep(self, workspace: str, room: str, settings: Settings) -> Settings:
        if len(self._kept) >= MOST:
            self._kept.clear()
        self._kept[workspace, room] = (time.monotonic(), settings)
        return settings


def _to_settings(kept: dict[str, Any]) -> Settings:
    """Return what was kept; a setting that this version does not know is left out."""
    known = {field.name for field in fields(Settings)}
    read: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in kept.items() if key in known
    }
    return Settings(**read)
