"""Keep the store in shape: old vectors and turns go, worn indexes are rebuilt, then dead rows are vacuumed.

In this order: over a worn index of 100,000 vectors VACUUM takes 180 s, and over a fresh one a tenth. The bytes of what
was forgotten leave the database's files only when these are written anew: see wiping.py.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Final, LiteralString

from psycopg import AsyncConnection, sql

from core.errors import UnavailableError
from core.memory import KEEP_DAYS
from infra.postgres.errors import translated
from infra.postgres.pool import Connection

KEEP_VECTORS: Final = 30.0  # days that a vector without a chunk is kept, for the edit that is taken back
WORN: Final = 0.05  # share of dead rows from which indexes are rebuilt: before autovacuum's .2, which would take longer
KEEP_ANSWERS: Final = 400.0  # days that the record of an answer, its buttons and an unfilled question are kept
BATCH: Final = 10_000  # rows trimmed in one transaction
KEEPER: Final = "vocero_keeper"  # owns the tables of vectors; see migration 0002
_LOCK: Final = 0x766F757065  # "voupe": one upkeep at a time
_BUSY: Final = "An upkeep of this database is running already: wait until it has ended."

_TABLES: Final = """
    select c.relname::text, coalesce(s.n_dead_tup, 0) > %s * greatest(coalesce(s.n_live_tup, 0), 1)
    from pg_class c left join pg_stat_user_tables s on s.relid = c.oid
    where c.relnamespace = 'vocero'::regnamespace and c.relkind = 'r' and pg_has_role(current_user, c.relowner, 'USAGE')
    order by 1
"""
# those that do not mend themselves; btrees do
_INDEXES: Final = """
    select c.relname::text, i.indisvalid from pg_index i join pg_class c on c.oid = i.indexrelid
    join pg_am a on a.oid = c.relam
    where i.indrelid = to_regclass('vocero.' || quote_ident(%s)) and a.amname in ('hnsw', 'gin') order by 1
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Upkept:
    """What was done: vectors trimmed, old turns deleted, indexes rebuilt and tables vacuumed, by name."""

    trimmed: int = 0
    turns: int = 0
    reindexed: tuple[str, ...] = ()
    vacuumed: tuple[str, ...] = ()

    def __add__(self, other: "Upkept") -> "Upkept":
        """Return what was done in two databases."""
        return Upkept(
            trimmed=self.trimmed + other.trimmed,
            turns=self.turns + other.turns,
            reindexed=self.reindexed + other.reindexed,
            vacuumed=self.vacuumed + other.vacuumed,
        )


async def upkeep(
    owner_url: str,
    *,
    everything: bool = False,
    turn_days: float = KEEP_DAYS,
    say: Callable[[str], None] = lambda _: None,
) -> Upkept:
    """Do what is due, or all of it; nobody is locked out meanwhile, and it may run at any time. KnowledgeDown.

    `owner_url` names the role that migrates. UnavailableError when another upkeep is at work.
    """
    with translated():
        async with await AsyncConnection.connect(owner_url, autocommit=True, connect_timeout=5) as connection:
            found = await connection.execute("select pg_try_advisory_lock(%s)", (_LOCK,))
            if not (row := await found.fetchone()) or not row[0]:
                raise UnavailableError(_BUSY)
            async with _as_keeper(connection):
                trimmed = await _trim(connection, "select vocero.trim_vectors(%s, %s)", KEEP_VECTORS)
                await _trim(connection, "select vocero.trim_answers(%s, %s)", KEEP_ANSWERS)
                turns = await _trim(connection, "select vocero.trim_turns(%s, %s)", turn_days * 86_400)
            work = _Work(connection, everything, say)
            await work.run()
            async with _as_keeper(connection):
                await work.run()
    return Upkept(trimmed=trimmed, turns=turns, reindexed=tuple(work.reindexed), vacuumed=tuple(work.vacuumed))


async def note(owner_url: str, *, wiped_from: datetime | None = None) -> int:
    """Record that the store was kept in shape; return how many receipts were still waiting for a wipe begun then."""
    with translated():
        opened = await AsyncConnection.connect(owner_url, autocommit=True, connect_timeout=5)
        async with opened as connection, _as_keeper(connection):
            row = await (await connection.execute("select vocero.note_upkeep(%s)", (wiped_from,))).fetchone()
    return int(row[0]) if row else 0


class _Work:
    """The tables that the connection's role owns, each once, whichever role comes first."""

    def __init__(self, connection: Connection, everything: bool, say: Callable[[str], None]) -> None:
        self._connection, self._everything, self._say = connection, everything, say
        self.reindexed: list[str] = []
        self.vacuumed: list[str] = []

    async def run(self) -> None:
        cursor = await self._connection.execute(_TABLES, (WORN,))
        for table, worn in await cursor.fetchall():
            if table not in self.vacuumed:
                await self._reindex(table, worn or self._everything)
                await self._do("vacuum (analyze) vocero.{}", table)
                self.vacuumed.append(table)

    async def _reindex(self, table: str, due: bool) -> None:
        cursor = await self._connection.execute(_INDEXES, (table,))
        for index, whole in await cursor.fetchall():
            if not whole:  # left by a rebuilding that was interrupted
                await self._do("drop index concurrently vocero.{}", index)
            elif due:
                self._say(f"rebuilding {index}")
                await self._do("reindex index concurrently vocero.{}", index)
                self.reindexed.append(index)

    async def _do(self, statement: str, name: str) -> None:
        await self._connection.execute(sql.SQL(statement).format(sql.Identifier(name)))


async def _trim(connection: Connection, statement: LiteralString, age: float) -> int:
    total = 0
    while True:
        cursor = await connection.execute(statement, (age, BATCH))
        row = await cursor.fetchone()
        gone = int(row[0]) if row else 0
        total += gone
        if gone < BATCH:
            return total


@asynccontextmanager
async def _as_keeper(connection: Connection) -> AsyncIterator[None]:
    """Act as the keeper, which the migrating role may, to work on what the keeper owns."""
    await connection.execute(f"set role {KEEPER}")
    try:
        yield
    finally:
        await connection.execute("reset role")
