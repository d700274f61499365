"""Row-level security: a session sees the workspace it named and nothing otherwise, and search stays fast behind it."""

from collections.abc import AsyncIterator

import psycopg
import pytest
from psycopg import AsyncConnection, sql

from core.errors import RefusedError
from infra.postgres.pool import Database
from tests.infra.knowledge.teaching import Company
from tests.postgres import Urls

TWINS = ("twin/a", "twin/b")
MANY = 600  # chunks of one workspace: enough for the planner to prefer the index of words


# a value for each type of column that a row may not leave out; %s is the workspace's number, so that twins differ
VALUES = {
    "integer": "%s",
    "bigint": "%s",
    "text": "'twin' || %s",
    "boolean": "true",
    "jsonb": "'{}'",
    "bytea": "'x'",
    "ARRAY": "'{}'",
    "double precision": "0",
    "timestamp with time zone": "now()",
}


@pytest.fixture(scope="module")
async def tables(postgres: Urls, database: Database) -> list[str]:
    """Every table of the schema that holds tenants' rows, each with as many rows of both twins."""
    for workspace in TWINS:
        company = Company(database, workspace=workspace)
        await company.teach("same.md", f"# Same\n\nThe secret of {workspace} is marmalade.")
        await company.teach("gone.md", "# Gone\n\nTo be forgotten.")
        await company.librarian.forget(workspace, "gone.md")
    async with await AsyncConnection.connect(postgres.admin, autocommit=True) as admin:
        cursor = await admin.execute(
            "select relname::text from pg_class where relnamespace = 'vocero'::regnamespace and relkind = 'r'"
            " and relname not in ('migration', 'upkeep') order by 1"  # these two hold no tenant's rows
        )
        names = [name for (name,) in await cursor.fetchall()]
        for name in names:
            if not await count(admin, name):
                await fill(admin, name)
        return names


async def fill(admin: AsyncConnection, table: str) -> None:
    """Put a row of each twin into a table that the library does not fill: here its walls matter, not its rules."""
    cursor = await admin.execute(
        "select conname from pg_constraint where conrelid = ('vocero.' || %s)::regclass and contype in ('c', 'f')",
        (table,),
    )
    for (rule,) in await cursor.fetchall():
        drop = sql.SQL("alter table vocero.{} drop constraint {}")
        await admin.execute(drop.format(sql.Identifier(table), sql.Identifier(rule)))
    cursor = await admin.execute(
        "select column_name, data_type from information_schema.columns"
        " where table_schema = 'vocero' and table_name = %s and is_nullable = 'NO' and column_default is null"
        " and is_identity = 'NO' and is_generated = 'NEVER'",
        (table,),
    )
    columns = await cursor.fetchall()
    statement = sql.SQL("insert into vocero.{} ({}) select {} from vocero.workspace where name = any (%s)").format(
        sql.Identifier(table),
        sql.SQL(", ").join(sql.Identifier(name) for name, _ in columns),
        sql.SQL(", ").join(
            sql.SQL(VALUES[kind] % "id" if "%s" in VALUES[kind] else VALUES[kind]) for _, kind in columns
        ),
    )
    await admin.execute(statement, (list(TWINS),))


@pytest.fixture
async def plain(postgres: Urls) -> AsyncIterator[AsyncConnection]:
    """The application's role on a connection of its own, with nothing told."""
    async with await AsyncConnection.connect(postgres.application, autocommit=True) as connection:
        yield connection


async def count(connection: AsyncConnection, table: str) -> int:
    statement = sql.SQL("select count(*) from vocero.{}").format(sql.Identifier(table))
    row = await (await connection.execute(statement)).fetchone()
    return row[0] if row else -1


async def test_without_a_workspace_every_table_is_empty(
    postgres: Urls, tables: list[str], plain: AsyncConnection
) -> None:
    """The superuser counts rows in each table, the application's role none: the fixture filled them all."""
    async with await AsyncConnection.connect(postgres.admin) as admin:
        for table in tables:
            assert await count(admin, table) > 0, table
            assert await count(plain, table) == 0, table


async def test_a_twin_sees_exactly_half_of_every_table(
    postgres: Urls, tables: list[str], plain: AsyncConnection
) -> None:
    """Two workspaces with the same content see as many rows each, and together all of them."""
    async with await AsyncConnection.connect(postgres.admin) as admin:
        for table in tables:
            seen = []
            for workspace in TWINS:
                async with plain.transaction():
                    await plain.execute("select set_config('vocero.workspace', %s, true)", (workspace,))
                    seen.append(await count(plain, table))
            whole = await count(admin, table)
            assert seen == ([whole, whole] if table == "embedding_model" else [whole // 2, whole - whole // 2]), table


async def test_nothing_can_be_written_for_another_workspace(tables: list[str], plain: AsyncConnection) -> None:
    """Whoever named one workspace cannot insert, change or delete rows of the other."""
    async with plain.transaction():
        await plain.execute("select set_config('vocero.workspace', %s, true)", (TWINS[1],))
        row = await (await plain.execute("select id from vocero.workspace")).fetchone()
        other = row[0] if row else 0
    async with plain.transaction():
        await plain.execute("select set_config('vocero.workspace', %s, true)", (TWINS[0],))
        for table in tables:
            if table in ("workspace", "embedding_model"):
                continue
            statement = sql.SQL("delete from vocero.{} where workspace = %s").format(sql.Identifier(table))
            assert (await plain.execute(statement, (other,))).rowcount == 0, table
    smuggled = "insert into vocero.collection (workspace, name, scope) values (%s, 'x', 'workspace')"
    for workspace in (TWINS[0], ""):
        async with plain.transaction(force_rollback=True):
            await plain.execute("select set_config('vocero.workspace', %s, true)", (workspace,))
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                await plain.execute(smuggled, (other,))


async def test_the_application_cannot_become_the_keeper(tables: list[str], plain: AsyncConnection) -> None:
    """Neither by SET ROLE nor by switching row-level security off."""
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        await plain.execute("set role vocero_keeper")
    await plain.execute("set row_security = off")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        await plain.execute("select * from vocero.document")
    for statement in ("alter table vocero.document disable row level security", "drop policy own on vocero.document"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            await plain.execute(statement)


async def test_search_refuses_when_nothing_was_told(database: Database, tables: list[str]) -> None:
    """Without workspace, or without scopes, search raises; it never means everything."""
    call = "select * from vocero.search(null, null, 'marmalade', 5)"
    with pytest.raises(RefusedError, match="scope"):
        await database.fetch(call, ())
    with pytest.raises(RefusedError, match="scope"):
        async with database.reading(TWINS[0]) as connection:
            await connection.execute(call)
    for workspace, scopes in (("", ["workspace"]), (TWINS[0], [])):
        with pytest.raises(RefusedError, match="scope"):
            await database.fetch("select * from vocero.find(%s, %s, null, null, 'marmalade', 5)", (workspace, scopes))


async def scans(connection: AsyncConnection) -> int:
    """How often the index of words was read in this database, what this session read included."""
    await connection.execute("select pg_stat_force_next_flush()")
    await connection.execute("select pg_stat_clear_snapshot()")
    row = await (
        await connection.execute(
            "select coalesce(sum(idx_scan), 0)::int from pg_stat_user_indexes"
            " where indexrelname = 'data_chunk_text_search_tsv_idx'"
        )
    ).fetchone()
    return row[0] if row else -1


async def test_search_keeps_the_index_of_words_that_the_plain_policy_loses(
    postgres: Urls, database: Database, plain: AsyncConnection
) -> None:
    """The keeper's constant policy vanishes in planning; the workspace's own bars the index, as the control shows."""
    company = Company(database)
    await company.teach("many.md", "\n\n".join(f"# Part {n}\n\nword{n} stands here alone." for n in range(MANY)))
    async with await AsyncConnection.connect(postgres.admin, autocommit=True) as admin:
        await admin.execute("vacuum analyze vocero.data_chunk")
    before = await scans(plain)
    async with plain.transaction():
        await plain.execute("select set_config('vocero.workspace', %s, true)", (company.workspace,))
        await plain.execute("set local enable_seqscan = off")
        cursor = await plain.execute("select count(*) from vocero.data_chunk where text_search_tsv @@ 'word7'")
        assert await cursor.fetchone() == (1,)
    assert await scans(plain) == before
    async with plain.transaction():
        await plain.execute(
            "select set_config('vocero.workspace', %s, true), set_config('vocero.scopes', '{workspace}', true)",
            (company.workspace,),
        )
        cursor = await plain.execute("select body from vocero.search(null, null, 'word7', 5, scan_chunks => 0)")
        assert await cursor.fetchall() == [("word7 stands here alone.",)]
    assert await scans(plain) == before + 1
