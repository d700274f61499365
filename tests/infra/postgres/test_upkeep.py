"""Upkeep: what nobody needs goes, what is worn is rebuilt, dead rows leave their pages; as any role that migrates."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from psycopg import AsyncConnection

from core.audience import EVERYONE
from core.errors import KnowledgeDown, UnavailableError
from infra.postgres import upkeep as module
from infra.postgres.migrate import migrate
from infra.postgres.pool import Database
from infra.postgres.upkeep import upkeep
from tests.infra.knowledge.teaching import Company
from tests.postgres import APPLICATION, Server, Urls

DEAD = "select n_dead_tup from pg_stat_all_tables where relid = 'vocero.data_chunk'::regclass"
FILES = (
    "select relname, pg_relation_filenode(oid) from pg_class where relname in ('embedding_1_embedding_idx', 'other')"
)


@pytest.fixture
async def admin(postgres: Urls, database: Database) -> AsyncIterator[AsyncConnection]:
    """The superuser's connection to the module's database."""
    async with await AsyncConnection.connect(postgres.admin, autocommit=True) as connection:
        yield connection


async def count(admin: AsyncConnection, statement: str) -> int:
    row = await (await admin.execute(statement)).fetchone()
    assert row is not None
    return int(row[0])


def version(number: int) -> str:
    return "\n\n".join(f"# Part {part}\n\nversion{number} of part{part}" for part in range(20))


async def test_worn_indexes_are_rebuilt_and_dead_rows_are_vacuumed(
    database: Database, admin: AsyncConnection, postgres: Urls
) -> None:
    """After churn the index has a new file and the table no dead row; without churn only what is asked is rebuilt."""
    company = Company(database)
    async with Database(postgres.application) as passing:
        for number in range(3):
            await Company(passing, workspace=company.workspace).teach("doc.md", version(number))
    async with asyncio.timeout(10):  # PostgreSQL counts dead rows when a connection ends, or a second later
        while await count(admin, DEAD) < 40:  # noqa: ASYNC110 - no event tells
            await asyncio.sleep(0.05)
    before = await (await admin.execute(FILES)).fetchall()
    done = await upkeep(postgres.admin)
    assert {"data_chunk_text_search_tsv_idx", "embedding_1_embedding_idx"} <= set(done.reindexed)
    assert {"data_chunk", "embedding_1", "document"} <= set(done.vacuumed)
    assert await (await admin.execute(FILES)).fetchall() != before
    assert await count(admin, DEAD) == 0
    assert (await upkeep(postgres.admin)).reindexed == ()
    assert "embedding_1_embedding_idx" in (await upkeep(postgres.admin, everything=True)).reindexed
    found = await company.engine.retrieve("part7", workspace=company.workspace, audience=EVERYONE, limit=1)
    assert found.passages[0].text == "version2 of part7"


async def test_cached_vectors_that_nobody_needs_go_after_their_time(
    database: Database, admin: AsyncConnection, postgres: Urls
) -> None:
    """Those of live chunks and those asked for lately stay, of every workspace."""
    company = Company(database)
    await company.teach("old.md", "This was said first.")
    await company.teach("old.md", "This is said now.")
    await admin.execute("update vocero.embedding_cache set used = now() - interval '31 days'")
    await company.teach("new.md", "This was said lately.")
    await company.teach("new.md", "And this is said now.")
    before = await count(admin, "select count(*) from vocero.embedding_cache")
    assert (await upkeep(postgres.admin)).trimmed >= 1
    gone = before - await count(admin, "select count(*) from vocero.embedding_cache")
    assert gone >= 1
    embedded = company.embedder.embedded
    await company.teach("again.md", "This was said lately.")
    assert company.embedder.embedded == embedded + 1  # its header names another document
    await company.teach("new.md", "This was said lately.")
    assert company.embedder.embedded == embedded + 1
    await company.teach("old.md", "This was said first.")
    assert company.embedder.embedded == embedded + 2


async def test_what_an_interrupted_rebuilding_left_is_dropped(
    database: Database, admin: AsyncConnection, postgres: Urls
) -> None:
    """An index that is not whole costs every change and helps nobody."""
    await Company(database).teach("a.md", "Tents.")
    await admin.execute("create index other on vocero.data_chunk using gin (text_search_tsv)")
    await admin.execute("update pg_index set indisvalid = false where indexrelid = 'vocero.other'::regclass")
    await upkeep(postgres.admin)
    assert await count(admin, "select count(*) from pg_class where relname = 'other'") == 0


async def test_a_second_upkeep_at_the_same_time_is_refused(admin: AsyncConnection, postgres: Urls) -> None:
    """Two would rebuild the same index twice."""
    await admin.execute("select pg_advisory_lock(%s)", (module._LOCK,))
    with pytest.raises(UnavailableError, match="running already"):
        await upkeep(postgres.admin)


async def test_an_ordinary_owner_can_keep_it_up(postgres_server: Server) -> None:
    """No superuser is needed: the role that migrates also reaches what the keeper owns."""
    urls = postgres_server.database()
    name = urls.admin.rsplit("/", 1)[1]
    owner = f"owner_{name}"
    async with await AsyncConnection.connect(urls.admin, autocommit=True) as admin:
        for statement in (
            f"create role {owner} login createrole",
            f"alter database {name} owner to {owner}",
            "create extension vector",
            "do $$ begin if exists (select from pg_roles where rolname = 'vocero_keeper') then "
            f"grant vocero_keeper to {owner} with admin true, inherit false, set true; end if; end $$",
        ):
            await admin.execute(statement)
    url = postgres_server.url(name, owner)
    await migrate(url, APPLICATION)
    async with Database(urls.application) as database:
        await Company(database).teach("a.md", "Tents.")
        done = await upkeep(url, everything=True)
    assert {"data_chunk_text_search_tsv_idx", "embedding_1_embedding_idx"} <= set(done.reindexed)
    assert len(done.vacuumed) == len(set(done.vacuumed))


async def test_the_applications_own_role_is_told_that_it_may_not(postgres: Urls, database: Database) -> None:
    """Upkeep is for whoever migrates, and the error says so."""
    with pytest.raises(KnowledgeDown, match="may not do this"):
        await upkeep(postgres.application)
