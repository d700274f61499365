"""Databases that are not fit, or only half: the sentence with the remedy, and whatever still works goes on working."""

import pytest
from psycopg import AsyncConnection

from core.audience import EVERYONE, Audience
from core.documents import State
from core.errors import InputError, KnowledgeDown, SetupError
from infra.postgres import migrate as module
from infra.postgres.migrate import check
from infra.postgres.pool import Database
from tests.infra.knowledge.teaching import Company
from tests.postgres import APPLICATION, Urls


async def test_an_old_extension_is_refused(postgres: Urls, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pgvector without iterative scans is named with its version and how to update it."""
    monkeypatch.setattr(module, "PGVECTOR", (99, 0))
    with pytest.raises(SetupError, match=r"pgvector 0\.\d+\.\d+ is too old.*alter extension vector update"):
        await check(postgres.application)


async def test_a_read_only_database_still_answers(postgres: Urls, database: Database) -> None:
    """A standby finds what was taught; only teaching is refused, with the remedy."""
    company = Company(database)
    await company.teach("a.md", "Tents are sold.")
    name = postgres.admin.rsplit("/", 1)[1]
    async with await AsyncConnection.connect(postgres.admin, autocommit=True) as admin:
        await admin.execute(f"alter role {APPLICATION} in database {name} set default_transaction_read_only = on")
        try:
            async with Database(postgres.application) as standby:
                half = Company(standby, workspace=company.workspace)
                found = await half.engine.retrieve("tents", workspace=half.workspace, audience=EVERYONE, limit=1)
                assert [passage.text for passage in found.passages] == ["Tents are sold."]
                with pytest.raises(KnowledgeDown, match="read-only"):
                    await half.teach("b.md", "Stoves are hired out.")
        finally:
            await admin.execute(f"alter role {APPLICATION} in database {name} reset all")


async def test_more_callers_than_may_wait_are_shed_in_a_sentence(postgres: Urls, database: Database) -> None:
    """Beyond the queue a search ends at once rather than late, and the next one works."""
    del database  # migrated; its pool may hold a connection from while the role was read-only
    async with Database(postgres.application) as fresh:
        company = Company(fresh)
        assert (await company.teach("a.md", "Tents are sold.")).state is State.INDEXED
    async with Database(postgres.application, connections=1) as small:
        small._pool.max_waiting = 1
        half = Company(small, workspace=company.workspace)
        async with small.reading(company.workspace):
            with pytest.raises(KnowledgeDown, match="no free connection"):
                await half.engine.retrieve("tents", workspace=half.workspace, audience=EVERYONE, limit=1)
        found = await half.engine.retrieve("tents", workspace=half.workspace, audience=EVERYONE, limit=1)
        assert len(found.passages) == 1


@pytest.mark.parametrize("scope", ["", "everything", "workspace ", "*", "channel:", "channel:a b", "channel:\x00"])
def test_a_scope_that_is_none_is_refused(scope: str) -> None:
    """Never understood as everything."""
    with pytest.raises(InputError, match="is no scope"):
        Audience(frozenset({scope}))
