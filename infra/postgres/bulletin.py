"""The bulletin on Postgres: one round trip before an answer's readers are decided."""

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any, Final

from infra.postgres.pool import Database

_EVER: Final = datetime(1970, 1, 1, tzinfo=UTC)
_POST: Final = "select vocero.post(%s, %s)"
_READ: Final = "select name, changed from vocero.posted(%s, %s)"


class PostgresBulletin:
    """The port `Bulletin`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._read: dict[str, datetime] = {}

    async def post(self, workspace: str, names: Collection[str]) -> None:
        """Let every process know."""
        await self._database.fetch(_POST, (workspace, sorted(names)))

    async def read(self, workspace: str) -> frozenset[str]:
        """Return what is new; the first time all that is still there."""
        rows: list[Any] = await self._database.fetch(_READ, (workspace, self._read.get(workspace, _EVER)))
        self._read[workspace] = next(moment for name, moment in rows if not name)
        return frozenset(name for name, _ in rows if name)
