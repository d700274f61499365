"""The pool's budgets and its one door: every failure is a BotError with its remedy, and a restart is survived."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import suppress

import psycopg
import pytest
from psycopg import AsyncConnection

from core import budgets
from core.errors import InputError, KnowledgeDown, UnavailableError, UnknownError
from infra.postgres.errors import OtherModel, to_error
from infra.postgres.migrate import migrate
from infra.postgres.pool import Database
from tests.faults.proxy import Proxy
from tests.postgres import APPLICATION, Server, Urls


@pytest.fixture
async def admin(postgres: Urls, database: Database) -> AsyncIterator[AsyncConnection]:
    """The superuser's connection to the module's database."""
    async with await AsyncConnection.connect(postgres.admin, autocommit=True) as connection:
        yield connection


async def test_a_busy_pool_refuses_when_its_budget_ends(postgres: Urls, monkeypatch: pytest.MonkeyPatch) -> None:
    """With every connection taken, the next caller is told so."""
    monkeypatch.setattr(budgets, "POOL_WAIT", 0.5)
    async with Database(postgres.application, connections=1) as small, small.reading("w"):
        with pytest.raises(KnowledgeDown, match="no free connection"):
            await small.fetch("select 1", ())


async def test_a_slow_statement_is_stopped(postgres: Urls, monkeypatch: pytest.MonkeyPatch) -> None:
    """The read budget bounds every statement, and the pool goes on."""
    monkeypatch.setattr(budgets, "DATABASE_READ", 0.2)
    async with Database(postgres.application) as hasty:
        with pytest.raises(KnowledgeDown, match="too long"):
            await hasty.fetch("select pg_sleep(10)", ())
        assert await hasty.fetch("select 1", ()) == [(1,)]


async def test_killed_connections_are_replaced_without_an_error(database: Database, admin: AsyncConnection) -> None:
    """After a restart or failover the next read, and the next change, simply work."""
    for _ in range(2):
        await admin.execute("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'vocero'")
        assert await database.fetch("select 1", ()) == [(1,)]
    await admin.execute("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'vocero'")
    async with database.writing("w") as connection:
        assert (await (await connection.execute("select 2")).fetchone()) == (2,)


async def test_what_was_told_ends_with_the_transaction(postgres: Urls) -> None:
    """A connection carries no workspace to its next user, not even after an error."""
    async with Database(postgres.application, connections=1) as single:
        for fails in (False, True):
            with suppress(ZeroDivisionError):
                async with single.writing("told") as connection:
                    cursor = await connection.execute("select current_setting('vocero.workspace', true)")
                    assert await cursor.fetchone() == ("told",)
                    assert not fails or 1 / 0
            rows = await single.fetch("select coalesce(current_setting('vocero.workspace', true), '')", ())
            assert rows == [("",)]


async def test_an_error_in_a_change_undoes_it(database: Database) -> None:
    """What was written before the error is not there afterwards."""
    with suppress(ZeroDivisionError):
        async with database.writing("undone") as connection:
            cursor = await connection.execute("insert into vocero.workspace (name) values ('undone')")
            assert cursor.rowcount / 0
    async with database.reading("undone") as connection:
        assert await (await connection.execute("select 1 from vocero.workspace")).fetchone() is None


async def test_a_read_only_database_is_named(postgres: Urls, admin: AsyncConnection) -> None:
    """A standby's refusal to write names its remedy."""
    name = postgres.admin.rsplit("/", 1)[1]
    await admin.execute(f"alter role {APPLICATION} in database {name} set default_transaction_read_only = on")
    try:
        async with Database(postgres.application) as standby:
            with pytest.raises(KnowledgeDown, match="read-only"):
                async with standby.writing("w") as connection:
                    await connection.execute("insert into vocero.workspace (name) values ('w')")
    finally:
        await admin.execute(f"alter role {APPLICATION} in database {name} reset all")


async def test_too_many_connections_are_named(postgres: Urls, admin: AsyncConnection) -> None:
    """A server with no slot left is not mistaken for one that is down."""
    name = postgres.admin.rsplit("/", 1)[1]
    await admin.execute(f"alter database {name} connection limit 0")
    try:
        with pytest.raises(KnowledgeDown, match="max_connections"):
            await Database(postgres.application).__aenter__()
    finally:
        await admin.execute(f"alter database {name} connection limit -1")


async def test_missing_tables_say_migrate(postgres: Urls, admin: AsyncConnection) -> None:
    """A database emptied under a running bot is healed by one command, and the error names it."""
    async with Database(postgres.application) as database:
        await admin.execute("alter schema vocero rename to gone")
        try:
            with pytest.raises(KnowledgeDown, match="vocero migrate"):
                await database.fetch("select * from vocero.shelf(%s, %s)", ("w", ["workspace"]))
        finally:
            await admin.execute("alter schema gone rename to vocero")


async def test_a_new_application_role_gets_its_rights_by_migrating(postgres: Urls, admin: AsyncConnection) -> None:
    """Rights on rows are granted at every migration, not only at the first."""
    other = "other_application"
    await admin.execute(f"create role {other} login")
    await migrate(postgres.admin, other)
    url = postgres.admin.replace("postgres@", f"{other}@")
    async with Database(url) as database:
        with pytest.raises(UnknownError):
            await database.fetch("select * from vocero.shelf(%s, %s)", ("nowhere", ["workspace"]))


@pytest.mark.parametrize(
    ("error", "kind", "word"),
    [
        (psycopg.errors.DiskFull(), KnowledgeDown, "disk is full"),
        (psycopg.errors.ReadOnlySqlTransaction(), KnowledgeDown, "read-only"),
        (psycopg.errors.DeadlockDetected(), KnowledgeDown, "try again"),
        (psycopg.errors.AdminShutdown(), KnowledgeDown, "starting or stopping"),
        (psycopg.errors.OutOfMemory(), KnowledgeDown, "short of memory"),
        (psycopg.errors.UndefinedFunction(), KnowledgeDown, "vocero migrate"),
        (psycopg.errors.lookup("28P01")(), KnowledgeDown, "password"),
        (psycopg.OperationalError("server closed the connection unexpectedly"), KnowledgeDown, "cannot be reached"),
        (psycopg.DataError("PostgreSQL text fields cannot contain NUL (0x00) bytes"), InputError, "NUL"),
        (psycopg.InternalError("?"), KnowledgeDown, "vocero doctor"),
    ],
)
def test_each_error_has_its_sentence(error: psycopg.Error, kind: type[Exception], word: str) -> None:
    """What cannot be staged is told by its SQLSTATE."""
    found = to_error(error)
    assert type(found) is kind
    assert word in str(found)


def test_another_model_counts_as_an_embedder_that_is_down() -> None:
    """So the engine falls back to words instead of failing."""
    assert issubclass(OtherModel, UnavailableError)


async def test_an_abandoned_wait_returns_its_connection(postgres: Urls) -> None:
    """A caller cancelled in the middle of a statement does not take a connection with it."""
    async with Database(postgres.application, connections=1) as single:
        for _ in range(3):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.05):
                    await single.fetch("select pg_sleep(1)", ())
        assert await single.fetch("select 1", ()) == [(1,)]


async def test_a_database_that_dies_is_said_and_found_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """While it is gone every call ends with the remedy within its budgets; when it is back, calls work again."""
    monkeypatch.setattr(budgets, "POOL_WAIT", 0.3)
    with Server() as server:
        urls = server.database()
        async with Database(urls.application) as database:
            server.stop()
            for _ in range(2):
                async with asyncio.timeout(5):
                    with pytest.raises(KnowledgeDown):
                        await database.fetch("select 1", ())
            server.start()
            async with asyncio.timeout(10):
                while True:
                    with suppress(KnowledgeDown):
                        assert await database.fetch("select 1", ()) == [(1,)]
                        break


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["refuse", "silent"])
async def test_after_an_outage_the_first_caller_gets_a_connection(
    postgres: Urls, database: Database, mode: str
) -> None:
    """However long the server was away: once it is back, work goes on within two seconds."""
    head, _, rest = postgres.application.rpartition(":")
    port, _, name = rest.partition("/")
    async with Proxy(int(port)) as proxy, Database(f"{head}:{proxy.port}/{name}", connections=4) as away:
        proxy.set(mode)
        until = time.monotonic() + 8.0
        while time.monotonic() < until:
            with pytest.raises(KnowledgeDown):
                await away.fetch("select 1", ())
            await asyncio.sleep(0.05)
        proxy.set("ok")
        back = time.monotonic()
        while True:
            try:
                await away.fetch("select 1", ())
            except KnowledgeDown:
                await asyncio.sleep(0.02)
            else:
                break
        assert time.monotonic() - back < 2.0
