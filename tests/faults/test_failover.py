"""PostgreSQL dies with everything it holds in memory, or for good: what was acknowledged is there, and work goes on.

A killed process, not a lost power supply: the page cache survives, so the disk's word is not tested here.
"""

import asyncio
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

from core.errors import KnowledgeDown
from core.inbox import Arrival
from infra.postgres.inbox import PostgresInbox
from infra.postgres.migrate import migrate
from infra.postgres.pool import Database
from tests.postgres import APPLICATION, BINARIES, PASSWORD, Server

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

DURABLE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on", "wal_level": "replica"}
SPACE = "slack/FAILOVER"
FIRST = 2.0  # seconds from a writable server to the first write


class Writer:
    """Platforms that go on delivering: what was acknowledged, and when."""

    def __init__(self, inbox: PostgresInbox) -> None:
        self._inbox = inbox
        self.acked: list[tuple[str, float]] = []
        self.refused = 0

    async def run(self) -> None:
        """Deliver until cancelled; what is not acknowledged is delivered again."""
        n = 0
        while True:
            arrival = Arrival(workspace=SPACE, event_key=f"e{n}", conversation="c", payload={"n": n})
            try:
                await self._inbox.accept(arrival)
            except KnowledgeDown:
                self.refused += 1
                await asyncio.sleep(0.02)
            else:
                self.acked.append((arrival.event_key, time.monotonic()))
                n += 1

    async def next_refusal(self, seconds: float = 30.0) -> None:
        """Wait until one more delivery was refused: the outage outlasts the patience of those who wait for it."""
        known = self.refused
        async with asyncio.timeout(seconds):
            while self.refused == known:  # noqa: ASYNC110
                await asyncio.sleep(0.01)

    async def first_after(self, moment: float, seconds: float = 30.0) -> float:
        """Return how long after a moment the first delivery was acknowledged."""
        async with asyncio.timeout(seconds):
            while not self.acked or self.acked[-1][1] < moment:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        return next(at for _, at in self.acked if at >= moment) - moment


def lost(url: str, writer: Writer) -> set[str]:
    """Return what was acknowledged and is not there."""
    with psycopg.connect(url) as admin:
        rows = admin.execute("select event_key from vocero.inbox").fetchall()
    return {key for key, _ in writer.acked} - {key for (key,) in rows}


def kill(server: Server) -> None:
    """End the server and all its processes at once."""
    assert server.process
    os.kill(server.process.pid, signal.SIGKILL)
    server.process.wait(10)


async def test_a_killed_database_comes_back_with_all_that_was_acknowledged() -> None:
    """kill -9 under load, three times: no acknowledged delivery is missing, and writing goes on at once."""
    with Server(settings=DURABLE) as server:
        urls = server.database()
        await migrate(urls.admin, APPLICATION)
        async with Database(urls.application, connections=4) as database:
            writer = Writer(PostgresInbox(database))
            task = asyncio.create_task(writer.run())
            for _ in range(3):
                await asyncio.sleep(0.7)
                kill(server)
                await writer.next_refusal()
                await asyncio.to_thread(server.start)
                assert await writer.first_after(time.monotonic()) < FIRST
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        assert len(writer.acked) > 50
        assert lost(urls.admin, writer) == set()


@contextmanager
def standby(primary: Server) -> Iterator[Server]:
    """Run a copy of the primary that follows it; no write is acknowledged before the copy has it."""
    with (primary.folder / "data" / "pg_hba.conf").open("a", encoding="utf-8") as rules:
        rules.write("host replication all 127.0.0.1/32 trust\n")
    with psycopg.connect(primary.url("postgres"), autocommit=True) as admin:
        admin.execute("select pg_reload_conf()")
        copy = Server(settings={**DURABLE, "hot_standby": "on"})
        as_user = copy._as_user()
        command = [BINARIES / "pg_basebackup", "-h", "127.0.0.1", "-p", str(primary.port), "-U", "postgres"]
        target = ["-D", copy.folder / "data", "-R", "-X", "stream", "--checkpoint=fast"]
        subprocess.run([*command, *target], check=True, cwd="/", **as_user)  # type: ignore[call-overload]
        copy.port = _free_port()
        try:
            copy.start()
            admin.execute("alter system set synchronous_standby_names = '*'")
            admin.execute("select pg_reload_conf()")
            yield copy
        finally:
            copy.__exit__(None, None, None)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def test_a_promoted_replica_has_all_that_was_acknowledged() -> None:
    """The primary dies for good; the bot, which was told of both, writes to the other within two seconds."""
    with Server(settings={**DURABLE, "synchronous_commit": "remote_apply"}) as primary:
        urls = primary.database()
        await migrate(urls.admin, APPLICATION)
        name = urls.admin.rpartition("/")[2]
        with standby(primary) as copy:
            hosts = f"127.0.0.1:{primary.port},127.0.0.1:{copy.port}"
            both = f"postgresql://{APPLICATION}:{PASSWORD}@{hosts}/{name}?target_session_attrs=read-write"
            async with Database(both, connections=4) as database:
                writer = Writer(PostgresInbox(database))
                task = asyncio.create_task(writer.run())
                await writer.first_after(0.0)
                await asyncio.sleep(1.0)
                kill(primary)
                with psycopg.connect(copy.url(name), autocommit=True) as admin:
                    admin.execute("select pg_promote(true, 30)")
                took = await writer.first_after(time.monotonic())
                await asyncio.sleep(0.3)
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
            assert took < FIRST
            assert lost(copy.url(name), writer) == set()
            assert len(writer.acked) > 20
