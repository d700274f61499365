"""What kill -9 does: nothing that anybody notices for long."""

import asyncio
import os
import signal
import socket
from contextlib import suppress
from pathlib import Path

import psutil
import psycopg
import pytest

from infra.embedded import Wanted, join, stop
from tests.infra.embedded.conftest import Running
from tests.infra.embedded.watching import (
    answer,
    answer_again,
    client,
    everybody,
    lives,
    said,
    server,
    supervisor,
    until,
)

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("service", ["database", "redis", "model"])
async def test_a_killed_server_comes_back_where_it_was(running: Running, service: str) -> None:
    """Same port, same password: connection pools recover by themselves."""
    killed = server(running.home, service)
    os.kill(killed, signal.SIGKILL)
    await until(lambda: server(running.home, service) not in (0, killed))
    await answer_again(running.endpoints)


async def test_data_survives_a_killed_database(running: Running) -> None:
    """What was committed is there."""
    killed = server(running.home, "database")
    url = running.endpoints.admin_database_url or ""
    async with await psycopg.AsyncConnection.connect(url) as connection:
        await connection.execute("CREATE TABLE survives AS SELECT 7 AS n")
    os.kill(killed, signal.SIGKILL)
    await until(lambda: server(running.home, "database") not in (0, killed))
    await answer_again(running.endpoints)
    async with await psycopg.AsyncConnection.connect(url) as connection:
        assert await (await connection.execute("SELECT n FROM survives")).fetchone() == (7,)


async def test_a_killed_supervisor_is_replaced_under_a_running_client(running: Running) -> None:
    """The old servers end, new ones answer at the same addresses; the client does nothing."""
    killed, servers = supervisor(running.home), {server(running.home, name) for name in ("database", "redis", "model")}
    os.kill(killed, signal.SIGKILL)
    await until(lambda: lives(running.home) and (running.home / "run" / "state.json").exists())
    await answer_again(running.endpoints)
    assert supervisor(running.home) != killed
    assert not servers & set(everybody(running.home))


async def test_a_killed_supervisor_leaves_nothing_that_blocks_the_next_start(home: Path) -> None:
    """Even when nobody was there to replace it, and a server does not want to go."""
    async with join(home, Wanted(redis=True)) as first:
        pass
    stubborn = server(home, "redis")
    os.kill(stubborn, signal.SIGSTOP)  # it cannot hear its parent's death
    os.kill(supervisor(home), signal.SIGKILL)
    await until(lambda: not lives(home))
    async with join(home, Wanted(redis=True)) as second:
        assert second == first
        assert stubborn not in everybody(home)
        assert await answer(second)


async def test_a_supervisor_told_to_end_takes_its_servers_along(used: Path) -> None:
    """SIGTERM is a clean end."""
    async with join(used, Wanted(database=True, redis=True)):
        pass
    os.kill(supervisor(used), signal.SIGTERM)
    await until(lambda: not lives(used))
    assert not everybody(used)
    assert not (used / "postgres" / "data" / "postmaster.pid").exists()


async def test_a_start_that_was_killed_half_way_is_done_again(home: Path) -> None:
    """The database is there whole or not at all."""
    starting = await client(home, "database=True")
    await until(lambda: list((home / "postgres").glob("new-*/base")) if home.exists() else [])
    starting.kill()
    await starting.communicate(b"")
    for pid in everybody(home):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    async with join(home, Wanted(database=True)) as endpoints:
        assert await answer(endpoints)
        assert [folder.name for folder in (home / "postgres").iterdir()] == ["data"]


async def test_a_pid_that_now_belongs_to_somebody_else_is_left_alone(used: Path) -> None:
    """A lock file from before a reboot names a stranger: it is neither killed nor obeyed."""
    stranger = await asyncio.create_subprocess_exec("sleep", "60")
    (used / "run" / "database.pid").write_text(f'{{"pid": {stranger.pid}, "born": "long ago"}}')
    data = used / "postgres" / "data"
    (data / "postmaster.pid").write_text(f"{stranger.pid}\n{data}\n1\n1\n\n127.0.0.1\n1 1\nready\n")
    async with join(used, Wanted(database=True)) as endpoints:
        assert await answer(endpoints)
    assert stranger.returncode is None
    stranger.kill()
    await stranger.wait()


async def test_a_port_that_was_taken_meanwhile_is_given_up(home: Path) -> None:
    """Another port is taken, kept, and told."""
    async with join(home, Wanted(redis=True)) as first:
        pass
    assert await stop(home)
    port = int(str(first.redis_url).rpartition(":")[2].partition("/")[0])
    with socket.create_server(("127.0.0.1", port)):
        async with join(home, Wanted(redis=True)) as second:
            assert await answer(second)
            assert second.redis_url != first.redis_url


async def test_a_home_that_is_removed_takes_its_servers_along(home: Path) -> None:
    """`rm -rf` under a running supervisor ends it; the next start begins anew."""
    async with join(home, Wanted(redis=True)):
        pass
    pid = supervisor(home)
    home.rename(home.with_name("gone"))  # noqa: ASYNC240
    await until(lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    async with join(home, Wanted(redis=True)) as endpoints:
        assert await answer(endpoints)


async def test_a_client_that_is_killed_leaves_the_others_alone(running: Running) -> None:
    """None dies with another."""
    other = await client(running.home, "redis=True", stays=True)
    await said(other)
    other.kill()
    await other.communicate(b"")
    await asyncio.sleep(0.3)
    assert await answer(running.endpoints)
