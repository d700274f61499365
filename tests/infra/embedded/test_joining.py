"""Programs that share a home, and programs that do not."""

import asyncio
import sys
from pathlib import Path

import psycopg
import pytest

from infra.embedded import Endpoints, Wanted, join, stop
from tests.infra.embedded.conftest import EVERYTHING, Running
from tests.infra.embedded.watching import ROOT, answer, client, everybody, lives, said, server, supervisor, until

pytestmark = pytest.mark.slow


async def test_every_server_answers_once_join_returns(running: Running) -> None:
    """No caller has to wait, retry or look at a log."""
    assert await answer(running.endpoints)
    assert running.endpoints.notes == ()


async def test_the_application_gets_a_plain_role_and_pgvector(running: Running) -> None:
    """What the embedded database allows is what a production database would allow."""
    async with await psycopg.AsyncConnection.connect(running.endpoints.database_url or "") as connection:
        cursor = await connection.execute(
            "SELECT rolsuper, rolbypassrls, rolcreatedb, rolcreaterole, current_user::text FROM pg_roles "
            "WHERE rolname = current_user"
        )
        assert await cursor.fetchone() == (False, False, False, False, "vocero")
        cursor = await connection.execute("SELECT '[1,2]'::vector <-> '[1,4]'::vector, lower('ÄÉ')")
        assert await cursor.fetchone() == (2.0, "äé")
        cursor = await connection.execute("SELECT to_tsvector('simple', 'Größe, ÑANDÚ')::text")
        assert await cursor.fetchone() == ("'größe':1 'ñandú':2",)
        cursor = await connection.execute("SELECT has_schema_privilege('public', 'CREATE')")
        assert await cursor.fetchone() == (False,)


async def test_a_second_program_joins_the_first(running: Running) -> None:
    """It gets the same addresses at once and ends alone."""
    before = supervisor(running.home)
    other = await client(running.home, "database=True, redis=True, model=True")
    assert (await said(other))["database_url"] == running.endpoints.database_url
    await other.communicate(b"")
    assert other.returncode == 0
    assert supervisor(running.home) == before
    assert await answer(running.endpoints)


async def test_servers_stay_while_anybody_needs_them(running: Running) -> None:
    """A polite request to stop is refused while a lease is held."""
    assert not await stop(running.home)
    assert await answer(running.endpoints)


async def test_two_programs_that_start_at_once_share_one_supervisor(home: Path) -> None:
    """Whoever loses the race joins."""
    clients = [await client(home, "redis=True", stays=True) for _ in range(3)]
    urls = {(await said(one))["redis_url"] for one in clients}
    assert len(urls) == 1
    await until(lambda: str(everybody(home)).count("infra.embedded.supervisor") == 1)
    assert await answer(Endpoints(redis_url=urls.pop()))
    await asyncio.gather(*(one.communicate(b"") for one in clients))
    assert [one.returncode for one in clients] == [0, 0, 0]


async def test_two_homes_have_nothing_in_common(home: Path, running: Running) -> None:
    """Other ports, other passwords, another supervisor."""
    async with join(home, Wanted(redis=True)) as endpoints:
        assert await answer(endpoints)
        mine, theirs = str(endpoints.redis_url), str(running.endpoints.redis_url)
        assert mine.rpartition("@")[0] != theirs.rpartition("@")[0]
        assert mine.rpartition("@")[2] != theirs.rpartition("@")[2]
    assert await stop(home)
    assert await answer(running.endpoints)


async def test_a_home_keeps_its_data_ports_and_passwords(used: Path) -> None:
    """The second run finds what the first left, where it was."""
    async with (
        join(used, Wanted(database=True)) as first,
        await psycopg.AsyncConnection.connect(first.admin_database_url or "") as connection,
    ):
        await connection.execute("CREATE TABLE kept AS SELECT 42 AS n")
    assert await stop(used)
    async with join(used, Wanted(database=True)) as second:
        assert second == first
        async with await psycopg.AsyncConnection.connect(second.admin_database_url or "") as connection:
            assert await (await connection.execute("SELECT n FROM kept")).fetchone() == (42,)


async def test_a_later_program_may_want_more(home: Path) -> None:
    """A server is started when somebody first wants it."""
    async with join(home, Wanted(redis=True)) as first:
        assert first.model_url is None
        async with join(home, Wanted(redis=True, model=True)) as second:
            assert await answer(second)
            assert second.redis_url == first.redis_url


async def test_wanting_nothing_starts_nothing(home: Path) -> None:
    """With every URL set by the user there is no home and no process."""
    async with join(home, Wanted()) as endpoints:
        assert endpoints.database_url is None
    assert list(home.parent.iterdir()) == []


async def test_servers_end_when_the_last_client_was_killed(home: Path) -> None:
    """The kernel gives back a dead client's lease; idle servers end after a while, and leave no state behind."""
    killed = await client(home, "redis=True", stays=True)
    await said(killed)
    assert await stop(home) is False
    killed.kill()
    await killed.communicate(b"")
    assert await stop(home)
    run = home / "run"
    assert sorted(file.name for file in run.rglob("*")) == ["leases", "supervisor.lock"]


async def test_an_idle_supervisor_ends_by_itself(home: Path) -> None:
    """Nobody has to stop anything."""
    async with join(home, Wanted(redis=True)):
        pass
    assert await stop(home)
    quick = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "infra.embedded.supervisor", home, "0.5"), cwd=ROOT
    )
    await quick.wait()
    await until(lambda: lives(home))
    async with join(home, Wanted(redis=True)) as endpoints:
        await asyncio.sleep(1)
        assert await answer(endpoints)
    await until(lambda: not lives(home), 5)
    assert not everybody(home)


async def test_a_server_nobody_wants_any_more_ends_alone(home: Path) -> None:
    """A large model does not stay in memory because somebody else uses the cache."""
    async with join(home, Wanted(redis=True)):
        pass
    assert await stop(home)
    await (
        await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "infra.embedded.supervisor", home, "0.5"), cwd=ROOT
        )
    ).wait()
    await until(lambda: lives(home))
    async with join(home, Wanted(redis=True)) as endpoints:
        async with join(home, Wanted(model=True)):
            model = server(home, "model")
        await until(lambda: model not in everybody(home), 5)
        assert await answer(endpoints)


async def test_progress_is_told_in_sentences(home: Path) -> None:
    """Who waits hears for what, and who does not wait hears nothing."""
    heard: list[str] = []
    async with join(home, Wanted(redis=True), say=heard.append):
        assert heard == ["starting Redis"]
        async with join(home, Wanted(redis=True), say=heard.append):
            assert heard == ["starting Redis"]


def test_everything_is_three_servers() -> None:
    """The fixtures above mean what they say."""
    assert sorted(EVERYTHING.services()) == ["database", "model", "redis"]
