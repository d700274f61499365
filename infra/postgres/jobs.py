"""The queue in the database: procrastinate's tables, filled in our own transactions. Its worker is infra/knowledge."""

from typing import Final

from infra.postgres.pool import Connection, Database

SCHEMA: Final = "vocero_jobs"
BEAT: Final = 5.0  # seconds between a worker's signs of life
LIVING: Final = 3 * BEAT  # seconds after its last sign that a worker still counts as there
STALLED: Final = 30.0  # seconds after which its jobs are given to others: well over a busy machine's pauses

_ENQUEUE: Final = "select vocero.enqueue(%s, %s, %s)"
_LIVES: Final = (
    "select exists (select from vocero_jobs.procrastinate_workers"
    " where last_heartbeat > now() - make_interval(secs => %s))"
)
_DROP: Final = "select vocero.unqueue(%s, %s)"


async def enqueue(connection: Connection, workspace: str, document: str, *, seconds: float = 0.0) -> None:
    """Queue a document's learning for so many seconds from now; one job waiting is enough."""
    await connection.execute(_ENQUEUE, (workspace, document, seconds))


async def drop(connection: Connection, workspace: str, document: str) -> int:
    """Delete the jobs of a document; return how many there were."""
    row = await (await connection.execute(_DROP, (workspace, document))).fetchone()
    return int(row[0]) if row else 0


async def worker_lives(database: Database) -> bool:
    """Whether a worker gave a sign of life lately, in every database. KnowledgeDown."""
    return all(bool(lives) for (lives,) in await database.everywhere(_LIVES, (LIVING,)))


async def rescue(database: Database, *, seconds: float = STALLED) -> int:
    """Give the jobs of silent workers to others; return how many. KnowledgeDown."""
    return int((await database.fetch("select vocero.rescue(%s)", (seconds,)))[0][0])
