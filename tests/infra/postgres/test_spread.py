"""Workspaces spread over two databases: each finds its own, nothing lies in the other, and one may be away."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from psycopg import AsyncConnection

from core.audience import EVERYONE
from core.documents import Place, Source, State
from core.errors import KnowledgeDown, SetupError
from core.inbox import Arrival
from infra.knowledge.reindex import reindex
from infra.knowledge.worker import Pace, Worker, Workers
from infra.postgres.inbox import PostgresInbox
from infra.postgres.migrate import migrate
from infra.postgres.pulse import check_writable, pulse
from infra.postgres.spread import Apart, Spread, read_map
from tests.infra.knowledge.teaching import Company, WordEmbedder
from tests.postgres import APPLICATION, Server, Urls

APART, MAIN = "slack/TAPART", "slack/TMAIN"
QUICK = Pace(poll=0.05, beat=0.2, stalled=1.0, sweep=0.2, grace=2.0)


@dataclass(frozen=True)
class Two:
    """The two databases as one, and their addresses."""

    spread: Spread
    main: Urls
    apart: Urls

    def company(self, workspace: str) -> Company:
        """Return a company of that name."""
        return Company(self.spread, workspace=workspace)

    async def count(self, table: str) -> tuple[int, int]:
        """Return how many rows a table has in each."""
        found = []
        for urls in (self.main, self.apart):
            async with await AsyncConnection.connect(urls.admin) as connection:
                row = await (await connection.execute(f"select count(*) from {table}")).fetchone()
                found.append(int(row[0]) if row else 0)
        return found[0], found[1]


@pytest.fixture
async def two(postgres_server: Server) -> AsyncIterator[Two]:
    """Two fresh databases."""
    main, apart = postgres_server.database(), postgres_server.database()
    for urls in (main, apart):
        await migrate(urls.admin, APPLICATION)
    async with Spread(main.application, [Apart(workspaces=(APART,), url=apart.application)]) as spread:
        yield Two(spread, main, apart)


async def test_each_workspace_is_taught_and_asked_where_it_lives(two: Two) -> None:
    """The same question finds the own document only; no row of either lies in the other's database."""
    for name, text in ((MAIN, "Refunds take 14 days."), (APART, "Refunds take 30 days.")):
        company = two.company(name)
        assert (await company.teach("refunds", text)).state is State.INDEXED
        found = await company.engine.retrieve("refunds", workspace=name, audience=EVERYONE, limit=3)
        assert [passage.text for passage in found.passages] == [text]
    assert await two.count("vocero.data_chunk") == await two.count("vocero.document") == (1, 1)


async def test_deliveries_are_accepted_where_the_workspace_lives_and_taken_over_from_all(two: Two) -> None:
    """One reaper looks after every database, and writes back to the right one."""
    inbox = PostgresInbox(two.spread, lease=0.1)
    for name in (MAIN, APART):
        arrival = Arrival(workspace=name, event_key="e", conversation=f"{name}/C", payload={})
        assert await inbox.accept(arrival)
        assert await inbox.accept(arrival) is None
    assert await two.count("vocero.inbox") == (1, 1)
    assert (await pulse(two.spread)).inbox == 2
    await asyncio.sleep(0.3)
    works = await inbox.reap("slack/", 10)
    assert sorted(work.arrival.workspace for work in works) == [APART, MAIN]
    inbox = PostgresInbox(two.spread)
    assert [await inbox.settle(work) for work in works] == [True, True]
    assert (await pulse(two.spread)).inbox == 0


async def test_workers_take_documents_from_every_database(two: Two) -> None:
    """What is queued beside its document is learned there."""
    stop, companies = asyncio.Event(), [two.company(name) for name in (MAIN, APART)]
    for company in companies:
        source = Source(name="note", content=b"Tents are mended on Mondays.")
        await company.librarian.submit(source, Place(workspace=company.workspace), by="test/U1")
    librarian, urls = companies[0].librarian, (two.main.application, two.apart.application)
    working = asyncio.create_task(
        Workers(
            [Worker(url, member, librarian, pace=QUICK) for url, member in zip(urls, two.spread.members, strict=True)]
        ).run(stop)
    )
    async with asyncio.timeout(20):
        for company in companies:
            while (await company.librarian.documents(company.workspace))[0].state is not State.INDEXED:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
    assert await librarian.worker_lives()
    stop.set()
    await asyncio.wait_for(working, 10)


async def test_another_model_is_taken_in_every_database(two: Two) -> None:
    """All workspaces change over, and answer from the new vectors."""
    for name in (MAIN, APART):
        await two.company(name).teach("note", "Tents are mended on Mondays.")
    other = WordEmbedder(name="words@2", dimensions=32)
    assert await reindex(two.spread, other) == [MAIN, APART]
    for name in (MAIN, APART):
        company = replace(two.company(name), embedder=other)
        assert (await company.engine.retrieve("tents", workspace=name, audience=EVERYONE, limit=3)).passages


async def test_one_database_away_stops_nobody_else(two: Two, postgres_server: Server) -> None:
    """Its workspaces are told; the others are answered, reaped and swept as before."""
    await two.company(MAIN).teach("refunds", "Refunds take 14 days.")
    await change(postgres_server, two.apart, "allow_connections false")
    with pytest.raises(KnowledgeDown):
        await two.company(APART).librarian.documents(APART)
    found = await two.company(MAIN).engine.retrieve("refunds", workspace=MAIN, audience=EVERYONE, limit=3)
    assert len(found.passages) == 1
    assert await PostgresInbox(two.spread).reap("slack/", 10) == []
    assert await two.company(MAIN).librarian.sweep() == 0
    await check_writable(two.spread)


async def test_a_main_database_that_takes_no_writes_is_a_trouble_one_apart_only_its_own(
    two: Two, postgres_server: Server
) -> None:
    """Readiness asks the main one: most workspaces live there, and those that are new."""
    main, apart = two.spread.members
    await change(postgres_server, two.apart, "set default_transaction_read_only = on")
    await check_writable(main)
    with pytest.raises(KnowledgeDown):
        await check_writable(apart)
    await change(postgres_server, two.apart, "reset default_transaction_read_only")
    await change(postgres_server, two.main, "set default_transaction_read_only = on")
    await check_writable(apart)
    with pytest.raises(KnowledgeDown):
        await check_writable(main)


async def change(server: Server, urls: Urls, how: str) -> None:
    """Alter a database, and let every connection to it end, so that it holds."""
    name = urls.admin.rpartition("/")[2]
    async with await AsyncConnection.connect(server.url("postgres"), autocommit=True) as connection:
        await connection.execute(f"alter database {name} {how}")
        await connection.execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = %s", (name,))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[[database]]\nworkspaces = []\nurl = 'postgresql://secret@x/y'", "workspaces"),
        ("[[database]]\nworkspaces = ['slack/T1']", "url"),
        ("[[database]]\nworkspaces = ['slack/T1']\nurl = 'postgresql://secret@x/y'\nuser = 'u'", "user"),
        (
            "[[database]]\nworkspaces = ['slack/T1']\nurl = 'postgresql://secret@x/y'\n"
            "[[database]]\nworkspaces = ['slack/T1']\nurl = 'postgresql://secret@x/z'",
            "slack/T1 twice",
        ),
        ("[[database]", "no TOML"),
        ("databases = 1", "database"),
    ],
)
def test_a_wrong_map_is_said_without_its_addresses(tmp_path: Path, text: str, reason: str) -> None:
    """One sentence that names the place, and no password."""
    file = tmp_path / "map.toml"
    file.write_text(text)
    with pytest.raises(SetupError, match=reason) as refused:
        read_map(file)
    assert "secret" not in str(refused.value)


def test_a_map_that_is_not_there_is_said(tmp_path: Path) -> None:
    """With the name of the setting."""
    with pytest.raises(SetupError, match="VOCERO_DATABASE_MAP"):
        read_map(tmp_path / "none.toml")
    assert read_map(None) == ()
