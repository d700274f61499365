"""Limits counted in Postgres, so that three replicas together are as strict as one. A question costs one round trip."""

import hashlib
from collections.abc import Sequence
from typing import Final

from core.limits import Limit
from infra.postgres.pool import Database

_TAKE: Final = "select nth, wait from vocero.take(%s, %s, %s, %s)"


class PostgresPaces:
    """The port `Paces`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def take(self, workspace: str, wanted: Sequence[tuple[str, Limit]]) -> tuple[int, float] | None:
        """Count one for every name or for none."""
        names = [hashlib.sha256(f"{limit.period} {name}".encode()).hexdigest()[:32] for name, limit in wanted]
        most = [limit.most for _, limit in wanted]
        seconds = [limit.seconds for _, limit in wanted]
        rows = await self._database.fetch(_TAKE, (workspace, names, most, seconds))
        return (int(rows[0][0]) - 1, float(rows[0][1])) if rows else None
