"""Write every table and index anew, so that no byte of what was deleted is left in the database's files.

VACUUM only frees the room that deleted rows took: their bytes stay in it until something else is written there. That
was measured, in the free part of a page and in btree indexes, which nothing rebuilds. Each table is locked while it is
written anew; questions wait, longest for the graph of the vectors: 33 to 55 s for each 100,000.
"""

from collections.abc import Callable
from typing import Final

from psycopg import AsyncConnection, sql

from infra.postgres.errors import translated
from infra.postgres.pool import Connection
from infra.postgres.upkeep import KEEPER, note

# What was deleted before this moment is kept by no transaction that still looks at an earlier one, such as a backup's.
_SINCE: Final = """
    select least(clock_timestamp(), min(xact_start)) from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid()
"""
_MAY_CHECKPOINT: Final = "select pg_has_role(current_user, 'pg_checkpoint', 'USAGE')"
PATIENCE: Final = 10.0  # seconds to wait for a table; questions queue behind us as long
_TABLES: Final = """
    select n.nspname::text, c.relname::text from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname in ('vocero', 'vocero_jobs') and c.relkind = 'r' and pg_has_role(current_user, c.relowner, 'USAGE')
    order by 1, 2
"""


async def wipe(owner_url: str, *, say: Callable[[str], None] = lambda _: None) -> int:
    """Write all tables anew as the role that migrates; return how many receipts may now say so. KnowledgeDown.

    A table that cannot be had for seconds ends it: then nothing is noted, and it is tried again.
    """
    done: list[str] = []
    with translated():
        async with await AsyncConnection.connect(owner_url, autocommit=True, connect_timeout=5) as connection:
            await connection.execute(f"set lock_timeout = {round(PATIENCE * 1000)}")
            [since] = await (await connection.execute(_SINCE)).fetchone() or (None,)
            await _wipe(connection, done, say)
            await connection.execute(f"set role {KEEPER}")  # whose the tables of vectors are
            await _wipe(connection, done, say)
            await connection.execute("reset role")
            [may] = await (await connection.execute(_MAY_CHECKPOINT)).fetchone() or (False,)
            if may:  # else the server itself brings its files up to date, within minutes
                await connection.execute("checkpoint")
    return await note(owner_url, wiped_from=since)


async def _wipe(connection: Connection, done: list[str], say: Callable[[str], None]) -> None:
    cursor = await connection.execute(_TABLES)
    for schema, table in await cursor.fetchall():
        if table not in done:
            say(f"writing {table} anew")
            await connection.execute(sql.SQL("vacuum (full, analyze) {}").format(sql.Identifier(schema, table)))
            done.append(table)
