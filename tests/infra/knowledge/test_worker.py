"""The worker while its database takes nothing: it says why and what to do, and goes on by itself afterwards."""

import asyncio

import psycopg
import pytest
import structlog

from core.documents import Place, Source, State
from infra.knowledge import worker as module
from infra.knowledge.worker import Pace, Worker
from infra.postgres.pool import Database
from tests.infra.knowledge.teaching import Company
from tests.postgres import Urls

pytestmark = pytest.mark.slow

FULL = """
    create function public.full_disk() returns trigger language plpgsql as $$
    begin raise exception 'could not extend file' using errcode = 'disk_full'; end $$;
    create trigger full_disk before insert on vocero_jobs.procrastinate_workers execute function public.full_disk()
"""


async def test_a_full_disk_is_named_in_the_log_and_outlived(
    database: Database, postgres: Urls, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The queue's own error hides the database's; the log's sentence is the one with the remedy."""
    monkeypatch.setattr(module, "AGAIN", 0.1)
    company, stop = Company(database), asyncio.Event()
    with psycopg.connect(postgres.admin, autocommit=True) as admin, structlog.testing.capture_logs() as logs:
        admin.execute(FULL)
        working = asyncio.create_task(
            Worker(postgres.application, database, company.librarian, pace=Pace(poll=0.05, sweep=0.2)).run(stop)
        )
        async with asyncio.timeout(10):
            while not logs:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        assert logs[0]["error"] == "The database's disk is full: free space on it, then try again."
        admin.execute("drop function public.full_disk() cascade")
        source = Source(name="a.md", content=b"# Tents\n\nTents are sold on Mondays.")
        await company.librarian.submit(source, Place(workspace=company.workspace), by="test/U1")
        async with asyncio.timeout(15):
            while (await company.librarian.documents(company.workspace))[0].state is not State.INDEXED:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
    stop.set()
    await asyncio.wait_for(working, 10)
