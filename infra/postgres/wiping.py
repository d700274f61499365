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
from infra.postgres.upkeep import KEEPER

_TABLES: Final = """
    select n.nspname::text, c.relname::text from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname in ('vocero', 'vocero_jobs') and c.relkind = 'r' and pg_has_role(current_user, c.relowner, 'USAGE')
    order by 1, 2
"""


async def wipe(owner_url: str, *, say: Callable[[str], None] = lambda _: None) -> list[str]:
    """Write all tables anew as the role that migrates; return their names. KnowledgeDown."""
    done: list[str] = []
    with translated():
        async with await AsyncConnection.connect(owner_url, autocommit=True, connect_timeout=5) as connection:
            await _wipe(connection, done, say)
            await connection.execute(f"set role {KEEPER}")  # whose the tables of vectors are
            await _wipe(connection, done, say)
            await connection.execute("reset role")
    return done


async def _wipe(connection: Connection, done: list[str], say: Callable[[str], None]) -> None:
    cursor = await connection.execute(_TABLES)
    for schema, table in await cursor.fetchall():
        if table not in done:
            say(f"writing {table} anew")
            await connection.execute(sql.SQL("vacuum (full, analyze) {}").format(sql.Identifier(schema, table)))
            done.append(table)
