"""A trial's workspace is empty at the start, one's own, and gone at the end, even that of a killed process."""

import asyncio
from contextlib import AsyncExitStack

import pytest
from psycopg import AsyncConnection

from core.errors import KnowledgeDown, UnavailableError
from infra.postgres import documents
from infra.postgres import trial as module
from infra.postgres.pool import Database
from infra.postgres.trial import to_name, trial
from tests.infra.knowledge.teaching import Company
from tests.postgres import Urls


async def left(urls: Urls) -> list[str]:
    """Return the names of all trials' workspaces, with a look at every table that may hold their rows."""
    async with await AsyncConnection.connect(urls.admin) as admin:
        cursor = await admin.execute("select name from vocero.workspace where name like 'eval/%' order by name")
        names = [str(name) for (name,) in await cursor.fetchall()]
        tables = await admin.execute(
            "select table_name from information_schema.columns"
            " where table_schema = 'vocero' and column_name = 'workspace'"
        )
        for (table,) in await tables.fetchall():
            orphans = f"select count(*) from vocero.{table} where workspace not in (select id from vocero.workspace)"
            assert (await (await admin.execute(orphans)).fetchone()) == (0,)
    return names


async def teach(database: Database, workspace: str) -> None:
    company = Company(database, workspace=workspace)
    await company.teach("a.md", "# Tents\n\nWe sell tents.")
    assert (await company.librarian.documents(workspace))[0].chunks == 1


@pytest.mark.parametrize("fails", [False, True])
async def test_nothing_is_left_of_a_trial(database: Database, postgres: Urls, fails: bool) -> None:
    """Rows of every kind go with it, whether it ended well or in an error."""
    try:
        async with trial(postgres.application) as workspace:
            await teach(database, workspace)
            assert await left(postgres) == [workspace]
            assert not fails or 1 / 0
    except ZeroDivisionError:
        assert fails
    assert await left(postgres) == []


async def test_a_cancelled_trial_is_dropped_too(database: Database, postgres: Urls) -> None:
    """Ctrl-C cancels the task: the workspace goes before the process does."""
    ready = asyncio.Event()

    async def work() -> None:
        async with trial(postgres.application) as workspace:
            await teach(database, workspace)
            ready.set()
            await asyncio.sleep(60)

    task = asyncio.create_task(work())
    await ready.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await left(postgres) == []


async def test_what_a_killed_trial_left_is_dropped_by_the_next(database: Database, postgres: Urls) -> None:
    """A workspace in any slot that nobody holds goes; other workspaces, and trials under way, stay."""
    for name in (to_name(1), to_name(module.SLOTS), "eval/mine"):
        await teach(database, name)
    async with trial(postgres.application) as one:
        await teach(database, one)
        async with trial(postgres.application) as other:
            assert one != other
            assert await left(postgres) == ["eval/1", "eval/2", "eval/mine"]
    assert await left(postgres) == ["eval/mine"]


async def test_too_many_trials_are_refused_in_a_sentence(postgres: Urls, monkeypatch: pytest.MonkeyPatch) -> None:
    """The one too many is told to come back."""
    monkeypatch.setattr(module, "SLOTS", 2)
    async with AsyncExitStack() as stack:
        names = {await stack.enter_async_context(trial(postgres.application)) for _ in range(2)}
        assert len(names) == 2
        with pytest.raises(UnavailableError, match="try again"):
            await stack.enter_async_context(trial(postgres.application))


async def test_a_database_that_is_away_is_said() -> None:
    """No database, no trial, one sentence."""
    with pytest.raises(KnowledgeDown, match="cannot be reached"):
        async with trial("postgresql://nobody@127.0.0.1:1/none"):
            pass


async def test_it_can_be_asked_before_anything_is_learned(database: Database, postgres: Urls) -> None:
    """A measure of manner alone has no documents; its questions have a workspace all the same."""
    async with trial(postgres.application) as name, database.reading(name) as connection:
        assert await documents.workspace_id(connection, name)
