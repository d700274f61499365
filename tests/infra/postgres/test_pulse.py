"""The pulse: counts and ages of all workspaces, for a role that may see none of them."""

from collections.abc import AsyncIterator

import psycopg
import pytest

from core.errors import KnowledgeDown
from core.inbox import Arrival
from infra.postgres.inbox import PostgresInbox
from infra.postgres.pool import Database
from infra.postgres.pulse import TRIAL, check_writable, pulse, try_write
from tests.faults.proxy import Proxy
from tests.postgres import Urls


async def test_what_waits_is_counted_over_all_workspaces(database: Database) -> None:
    """Two workspaces' deliveries count together; one that is ended does not."""
    inbox = PostgresInbox(database)
    for workspace in ("slack/T1", "discord/G1"):
        work = await inbox.accept(Arrival(workspace=workspace, event_key="E1", conversation="C", payload={}))
    assert work
    assert (await pulse(database)).inbox == 2
    await inbox.settle(work)
    now = await pulse(database)
    assert now.inbox == 1
    assert now.inbox_oldest >= 0
    assert (now.todo, now.doing, now.doing_oldest) == (0, 0, 0.0)


@pytest.fixture
async def read_only(database: Database, postgres: Urls) -> AsyncIterator[None]:
    """Make the database read-only for the block's new connections."""
    name = postgres.admin.rpartition("/")[2]
    with psycopg.connect(postgres.admin, autocommit=True) as connection:
        connection.execute(f"alter database {name} set default_transaction_read_only = on")
        yield
        connection.execute("set default_transaction_read_only = off")
        connection.execute(f"alter database {name} reset default_transaction_read_only")


async def test_a_read_only_database_is_not_writable(read_only: None, postgres: Urls) -> None:
    """The sentence names the remedy."""
    async with Database(postgres.application, connections=1) as fresh:
        with pytest.raises(KnowledgeDown, match=r"read-only .* point VOCERO_DATABASE_URL at the primary"):
            await check_writable(fresh)


@pytest.mark.parametrize("mode", ["refuse", "silent"])
async def test_one_that_has_gone_is_no_busy_one(postgres: Urls, mode: str) -> None:
    """A pool whose connections have all died has none free, as one that is asked much; the difference is told."""
    head, _, rest = postgres.application.rpartition(":")
    port, _, name = rest.partition("/")
    async with Proxy(int(port)) as proxy, Database(f"{head}:{proxy.port}/{name}", connections=1) as database:
        await check_writable(database)
        async with database.reading("anyone"):
            await check_writable(database)
        proxy.set(mode)
        for _ in range(3):
            with pytest.raises(KnowledgeDown):
                await check_writable(database)


async def test_the_trial_asks_the_disk_for_new_pages(database: Database, postgres: Urls) -> None:
    """One row fits into a page that is there, and a full disk would take it; nothing of what was tried stays."""
    size = "select pg_total_relation_size('vocero.inbox')"
    with psycopg.connect(postgres.admin, autocommit=True) as admin:
        [before] = admin.execute(size).fetchone() or (0,)
        await try_write(database)
        [after] = admin.execute(size).fetchone() or (0,)
        assert after - before > 500_000
        assert admin.execute("select 1 from vocero.workspace where name = %s", (TRIAL,)).fetchone() is None


async def test_a_writable_one_is(database: Database) -> None:
    """Nothing is raised."""
    await check_writable(database)
