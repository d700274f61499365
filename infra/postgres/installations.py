"""Which workspaces installed the app: tokens sealed, states of installs under way one-time, an uninstall a real end."""

import hashlib
from datetime import timedelta
from typing import Any, Final

from infra.postgres.pool import Database
from infra.sealing import Sealer

STATE: Final = timedelta(minutes=10)

_ENSURE: Final = "insert into vocero.workspace (name) values (%s) on conflict do nothing"
_KEEP: Final = """
    insert into vocero.installation (workspace, app, secret, org)
    select id, %s, %s, %s from vocero.workspace where name = %s
    on conflict (workspace, app) do update set secret = excluded.secret, org = excluded.org, installed = now()
"""
_FIND: Final = """
    select i.secret from vocero.installation i join vocero.workspace w on w.id = i.workspace
    where w.name = %s and i.app = %s
"""
_REMOVE: Final = """
    delete from vocero.installation i using vocero.workspace w
    where w.id = i.workspace and w.name = %s and i.app = %s
"""
_SEALED: Final = """
    select i.app, i.secret from vocero.installation i join vocero.workspace w on w.id = i.workspace
    where w.name = %s order by i.app for update of i
"""
_RESEAL: Final = """
    update vocero.installation i set secret = %s from vocero.workspace w
    where w.id = i.workspace and i.app = %s and w.name = %s
"""
_BEGIN: Final = """
    insert into vocero.install_state (workspace, state_sha, expires)
    select id, %s, now() + %s from vocero.workspace where name = %s
"""
_SWEEP: Final = "delete from vocero.install_state where expires < now()"
_END: Final = """
    delete from vocero.install_state s using vocero.workspace w
    where w.id = s.workspace and w.name = %s and s.state_sha = %s and s.expires > now()
"""


class Installations:
    """One app's installations. `platform` is the workspace that states belong to before their team is known."""

    def __init__(self, database: Database, sealer: Sealer, *, app: str, platform: str) -> None:
        self._database, self._sealer, self._app, self._platform = database, sealer, app, platform

    async def keep(self, workspace: str, secret: dict[str, Any], *, org: str = "") -> None:
        """Store a workspace's secret, sealed. `org`: the organisation whose install lets it in. KnowledgeDown."""
        async with self._database.writing(workspace) as connection:
            await connection.execute(_ENSURE, (workspace,))
            await connection.execute(_KEEP, (self._app, self._sealer.seal(workspace, secret), org, workspace))

    async def find(self, workspace: str) -> dict[str, Any] | None:
        """Return a workspace's secret, None when it is not installed. KnowledgeDown, SetupError."""
        async with self._database.reading(workspace) as connection:
            row = await (await connection.execute(_FIND, (workspace, self._app))).fetchone()
        return self._sealer.open(workspace, bytes(row[0])) if row else None

    async def members(self, org: str) -> list[str]:
        """Return the workspaces that an organisation's install let in. KnowledgeDown."""
        values = (f"{self._platform}/", org)
        rows = await self._database.everywhere("select * from vocero.org_workspaces(%s, %s)", values)
        return [str(row[0]) for row in rows]

    async def remove(self, workspace: str) -> bool:
        """Delete a workspace's secret; whether there was one. KnowledgeDown."""
        async with self._database.writing(workspace) as connection:
            return (await connection.execute(_REMOVE, (workspace, self._app))).rowcount > 0

    async def purge(self, workspace: str) -> None:
        """Delete a workspace with everything that belongs to it. KnowledgeDown."""
        async with self._database.writing(workspace) as connection:
            await connection.execute("delete from vocero.workspace where name = %s", (workspace,))

    async def begin(self, state: str) -> None:
        """Remember a state for ten minutes; only its digest. KnowledgeDown."""
        async with self._database.writing(self._platform) as connection:
            await connection.execute(_ENSURE, (self._platform,))
            await connection.execute(_SWEEP)
            await connection.execute(_BEGIN, (_sha(state), STATE, self._platform))

    async def end(self, state: str) -> bool:
        """Use a state up; False when it is unknown, old or used. KnowledgeDown."""
        async with self._database.writing(self._platform) as connection:
            return (await connection.execute(_END, (self._platform, _sha(state)))).rowcount > 0


async def reseal(database: Database, sealer: Sealer) -> int:
    """Seal all workspaces' secrets with the newest key, each where it stands; return how many. KnowledgeDown.

    SetupError names the first workspace whose secret no key opens; those before it are done, and the command may be
    repeated.
    """
    done = 0
    for (workspace,) in await database.everywhere("select * from vocero.workspaces_sealed()", ()):
        async with database.writing(workspace) as connection:
            for app, secret in await (await connection.execute(_SEALED, (workspace,))).fetchall():
                sealer.open(workspace, bytes(secret))  # a secret of somebody else is not made to look fresh
                await connection.execute(_RESEAL, (sealer.renew(bytes(secret)), app, workspace))
                done += 1
    return done


def _sha(state: str) -> bytes:
    return hashlib.sha256(state.encode()).digest()
