"""Which voice is live, on Postgres; and who promoted it."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import structlog

from core.errors import BotError, RefusedError, UnknownError
from core.forgetting import REBUILD
from core.messages import Arm
from infra.postgres import documents
from infra.postgres.pool import Connection, Database

log = structlog.get_logger()

_LIVE: Final = "select * from vocero.live_voice(%s)"
_PROMOTE: Final = """
    insert into vocero.adapter (workspace, name, arm, base_sha256, dataset_sha256, sha256, state, manifest, trained_on,
        changed_by)
    values (%s, %s, %s, %s, %s, %s, 'live', %s, %s, %s)
    on conflict (workspace, name) do update set state = 'live', changed = now(), changed_by = excluded.changed_by
    where adapter.rebuild_since is null
"""
_RETIRE: Final = """
    update vocero.adapter set state = 'withdrawn', changed = now(), changed_by = %s
    where workspace = %s and state = 'live' and (%s = '' or name = %s)
"""
_LIST: Final = """
    select a.name, a.state, a.arm, a.base_sha256, a.dataset_sha256, a.changed_by, a.changed, a.rebuild_since is not null
    from vocero.adapter a join vocero.workspace w on w.id = a.workspace where w.name = %s
    order by (a.state = 'live') desc, a.changed desc
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Promoted:
    """An adapter as a workspace knows it."""

    name: str
    state: str
    arm: str
    base: str
    dataset: str
    by: str
    changed: datetime
    rebuild: bool = False  # something it was trained on was forgotten since


class PostgresVoices:
    """The port `Voices`. `loaded`: what the model server has; None where it says for itself that it lacks one.

    An adapter that is live but not loaded yet does not speak: answers are as they were before it was promoted.
    """

    def __init__(self, database: Database, loaded: Collection[str] | None = None) -> None:
        self._database, self._loaded = database, loaded
        self._stems: dict[str, frozenset[str]] = {}

    async def live(self, workspace: str) -> tuple[Arm, str | None]:
        """Return the best arm that is live and its adapter's name; the default when that cannot be known."""
        try:
            rows = await self._database.fetch(_LIVE, (workspace,))
        except BotError as error:
            log.warning("voice not known", error=type(error).__name__)
            return Arm.RAG, None
        if not rows or (self._loaded is not None and rows[0][0] not in self._loaded):
            return Arm.RAG, None
        name, arm, stems = rows[0]
        self._stems[name] = frozenset(stems or ())
        return Arm(arm), name

    def stems(self, adapter: str | None) -> frozenset[str]:
        """Return the stems that a voice brings along, as its manifest told when it was seen live."""
        return self._stems.get(adapter or "", frozenset())

    async def promote(self, workspace: str, adapter: Mapping[str, Any], arm: Arm, *, by: str, forced: bool) -> None:
        """Make an adapter live by its manifest, and the one before it withdrawn. UnknownError, KnowledgeDown."""
        name = str(adapter["name"])
        async with self._database.writing(workspace) as connection:
            number = await documents.workspace_id(connection, workspace)
            await connection.execute(_RETIRE, (by, number, "", ""))
            dataset = adapter["dataset"]
            kept = {key: value for key, value in adapter.items() if key != "looks"}
            values = (name, arm.value, adapter["base"]["sha256"], dataset["sha256"], adapter["file"]["sha256"])
            trained = list(dataset.get("trained_on", ()))
            made = await connection.execute(_PROMOTE, (number, *values, json.dumps(kept), trained, by))
            if not made.rowcount:
                raise RefusedError(REBUILD.format(name=name))
            action = "promote voice by force" if forced else "promote voice"
            await documents.audit(connection, workspace=number, action=action, object_=name, by=by)

    async def withdraw(self, workspace: str, name: str, *, by: str) -> None:
        """Let an adapter speak no more. UnknownError when it is not live, KnowledgeDown."""
        async with self._database.writing(workspace) as connection:
            number = await documents.workspace_id(connection, workspace)
            cursor = await connection.execute(_RETIRE, (by, number, name, name))
            if not cursor.rowcount:
                raise UnknownError(f"No adapter named {name!r} is live in {workspace}: see vocero voice list.")
            await documents.audit(connection, workspace=number, action="withdraw voice", object_=name, by=by)

    async def listed(self, workspace: str) -> list[Promoted]:
        """Return all adapters of a workspace, the live one first. UnknownError, KnowledgeDown."""
        async with self._database.reading(workspace) as connection:
            await documents.workspace_id(connection, workspace)
        keys = ("name", "state", "arm", "base", "dataset", "by", "changed", "rebuild")
        return [Promoted(**dict(zip(keys, row, strict=True))) for row in await self._rows(_LIST, workspace)]

    async def _rows(self, statement: str, workspace: str) -> list[tuple[Any, ...]]:
        async with self._database.reading(workspace) as connection:
            return await _all(connection, statement, workspace)


async def _all(connection: Connection, statement: str, workspace: str) -> list[tuple[Any, ...]]:
    return await (await connection.execute(statement, (workspace,))).fetchall()
