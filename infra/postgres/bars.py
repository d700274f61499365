"""How sure the bot must be before it answers, as a workspace has measured it; see core/bar.py."""

import time
from typing import Final

import structlog

from core.bar import DEFAULT, Bar
from core.errors import BotError
from infra.postgres import documents
from infra.postgres.pool import Database

log = structlog.get_logger()

FRESH: Final = 30.0  # seconds a bar is taken as read: it changes when somebody measures, and is read for every question
MOST: Final = 1_000  # workspaces remembered

_READ: Final = """
    select b.least, b.n, b.answered, b.refused
    from vocero.bar b join vocero.workspace w on w.id = b.workspace where w.name = %s
"""
_KEEP: Final = """
    insert into vocero.bar (workspace, least, n, answered, refused, changed_by) values (%s, %s, %s, %s, %s, %s)
    on conflict (workspace) do update set least = excluded.least, n = excluded.n, answered = excluded.answered,
        refused = excluded.refused, changed_by = excluded.changed_by, changed = now()
"""


class PostgresBars:
    """The port `Bars`; fails open to the default."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._read: dict[str, tuple[float, Bar]] = {}

    async def bar(self, workspace: str) -> Bar:
        """Return the workspace's bar, the default where none was kept or none can be read."""
        until, known = self._read.get(workspace, (0.0, DEFAULT))
        if time.monotonic() < until:
            return known
        try:
            async with self._database.reading(workspace) as connection:
                row = await (await connection.execute(_READ, (workspace,))).fetchone()
        except BotError as error:
            log.warning("bar not read", error=type(error).__name__)
            return known
        found = Bar(least=row[0], n=row[1], answered=row[2], refused=row[3]) if row else DEFAULT
        if len(self._read) >= MOST:
            self._read.clear()
        self._read[workspace] = time.monotonic() + FRESH, found
        return found

    async def keep(self, workspace: str, bar: Bar, *, by: str = "") -> None:
        """Keep a measured bar. UnknownError, KnowledgeDown."""
        async with self._database.writing(workspace) as connection:
            number = await documents.workspace_id(connection, workspace)
            values = (number, bar.least, bar.n, bar.answered or 0.0, bar.refused or 0.0, by)
            await connection.execute(_KEEP, values)
            await documents.audit(connection, workspace=number, action="bar", object_=f"{bar.least:.3f}", by=by)
        self._read.pop(workspace, None)
