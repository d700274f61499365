"""Migrations run again, at once and as an ordinary owner; start is refused on a database that is not fit."""

import asyncio
import re

import pytest
from psycopg import AsyncConnection

from core.errors import KnowledgeDown, SetupError
from infra.postgres import migrate as module
from infra.postgres.migrate import check, migrate, migrations
from infra.postgres.pool import Database
from tests.postgres import APPLICATION, Server, Urls


@pytest.fixture
def fresh(postgres_server: Server) -> Urls:
    """An empty database for one test."""
    return postgres_server.database()


async def run(url: str, *statements: str) -> list[tuple[object, ...]]:
    async with await AsyncConnection.connect(url, autocommit=True) as connection:
        for statement in statements:
            cursor = await connection.execute(statement)
        return await cursor.fetchall() if cursor.description else []


async def test_migrating_twice_applies_nothing_the_second_time(fresh: Urls) -> None:
    """The first run names every file in order, the second none."""
    assert await migrate(fresh.admin, APPLICATION) == [path.stem for path in migrations()]
    assert await migrate(fresh.admin, APPLICATION) == []


async def test_three_replicas_may_migrate_at_once(fresh: Urls) -> None:
    """The advisory lock lets one do the work; the others find it done."""
    done = await asyncio.gather(*(migrate(fresh.admin, APPLICATION) for _ in range(3)))
    assert sorted(map(len, done)) == [0, 0, len(migrations())]


async def test_an_ordinary_owner_with_createrole_is_enough(postgres_server: Server) -> None:
    """Without a superuser the database is prepared and works, once pgvector is there."""
    fresh = postgres_server.database()
    name = fresh.admin.rsplit("/", 1)[1]
    owner = f"owner_{name}"
    await run(
        fresh.admin,
        f"create role {owner} login createrole",
        f"alter database {name} owner to {owner}",
        "create extension vector",
        f"do $$ begin if exists (select from pg_roles where rolname = 'vocero_keeper') then "
        f"grant vocero_keeper to {owner} with admin true, inherit false, set true; end if; end $$",
    )
    await migrate(postgres_server.url(name, owner), APPLICATION)
    await check(fresh.application)
    async with Database(fresh.application) as database:
        assert await database.fetch("select vocero.register_model('m', 3)", ()) == [(1,)]
        assert await database.fetch("select vocero.sweep()", ()) == [(0,)]
    assert (
        await migrate(postgres_server.url(name, owner), APPLICATION) == []
    )  # grants run again over the keeper's table


async def test_an_owner_who_may_not_create_the_extension_is_told_what_an_administrator_runs(
    postgres_server: Server,
) -> None:
    """The sentence holds the statement to run."""
    fresh = postgres_server.database()
    name = fresh.admin.rsplit("/", 1)[1]
    await run(
        fresh.admin,
        f"create role poor_{name} login createrole",
        f"alter database {name} owner to poor_{name}",
        f"do $$ begin if exists (select from pg_roles where rolname = 'vocero_keeper') then "
        f"grant vocero_keeper to poor_{name} with inherit false, set true; end if; end $$",
    )
    with pytest.raises(SetupError, match="create extension vector"):
        await migrate(postgres_server.url(name, f"poor_{name}"), APPLICATION)


async def test_a_missing_application_role_is_named(fresh: Urls) -> None:
    """Migrating for a role that does not exist says how to make it."""
    with pytest.raises(SetupError, match=r"create role nobody_here login"):
        await migrate(fresh.admin, "nobody_here")


async def test_start_is_refused_without_the_extension(fresh: Urls) -> None:
    """A database without pgvector is named as such, before anything else."""
    with pytest.raises(SetupError, match="pgvector"):
        await check(fresh.application)


async def test_start_is_refused_without_tables_and_with_old_ones(fresh: Urls) -> None:
    """Both are healed by `vocero migrate`, and the sentence says so; tables newer than ours are fine."""
    await run(fresh.admin, "create extension vector")
    with pytest.raises(SetupError, match="vocero migrate"):
        await check(fresh.application)
    await migrate(fresh.admin, APPLICATION)
    await check(fresh.application)
    await run(fresh.admin, "insert into vocero.migration (name) values ('9999_of_a_newer_replica')")
    await check(fresh.application)
    await run(fresh.admin, "delete from vocero.migration where name = '0002_isolation'")
    with pytest.raises(SetupError, match="vocero migrate"):
        await check(fresh.application)


@pytest.mark.parametrize(("attribute", "word"), [("superuser", "superuser"), ("bypassrls", "bypasses")])
async def test_start_is_refused_to_a_role_that_sees_every_workspace(
    postgres_server: Server, attribute: str, word: str
) -> None:
    """A superuser and a role with BYPASSRLS are turned away by name."""
    fresh = postgres_server.database()
    name = fresh.admin.rsplit("/", 1)[1]
    await migrate(fresh.admin, APPLICATION)
    await run(fresh.admin, f"create role r{name} login {attribute}", f"grant usage on schema vocero to r{name}")
    await run(fresh.admin, f"grant select on vocero.migration to r{name}")
    with pytest.raises(SetupError, match=word):
        await check(postgres_server.url(name, f"r{name}"))


async def test_start_is_refused_to_a_role_that_inherits_the_keeper(postgres_server: Server) -> None:
    """The keeper's policies see every workspace: whoever inherits them is turned away."""
    fresh = postgres_server.database()
    name = fresh.admin.rsplit("/", 1)[1]
    await migrate(fresh.admin, APPLICATION)
    await run(
        fresh.admin, f"create role k{name} login in role vocero_keeper", f"grant select on vocero.migration to k{name}"
    )
    with pytest.raises(SetupError, match="vocero_keeper"):
        await check(postgres_server.url(name, f"k{name}"))


async def test_an_old_server_is_refused(fresh: Urls, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server older than the oldest supported is named with both versions, by migrate and by check."""
    monkeypatch.setattr(module, "OLDEST", 990_000)
    for attempt in (check(fresh.application), migrate(fresh.admin, APPLICATION)):
        with pytest.raises(SetupError, match="too old"):
            await attempt


async def test_what_the_database_says_at_start_is_one_sentence(postgres_server: Server, fresh: Urls) -> None:
    """Refused connection, wrong password, unknown database: each names its remedy, and none shows the password."""
    closed = "postgresql://vocero:hunter2@127.0.0.1:1/vocero"
    wrong = fresh.application.replace(":application@", ":hunter2@")
    missing = re.sub(r"/t\w+$", "/nowhere", fresh.application)
    for url, word in ((closed, "cannot be reached"), (wrong, "password"), (missing, "does not exist")):
        for attempt in (check(url), Database(url).__aenter__()):
            with pytest.raises(KnowledgeDown, match=word) as caught:
                await attempt
            assert "hunter2" not in str(caught.value)


async def test_a_second_database_of_the_same_server_shares_the_keeper(postgres_server: Server) -> None:
    """Roles belong to the server, not the database: the second migration finds the keeper and goes on."""
    for _ in range(2):
        urls = postgres_server.database()
        await migrate(urls.admin, APPLICATION)
        await check(urls.application)


async def test_every_table_of_the_schema_forces_row_level_security(fresh: Urls) -> None:
    """A table that a later migration forgets to protect fails here; only the list of migrations is open."""
    await migrate(fresh.admin, APPLICATION)
    await run(fresh.application, "select vocero.register_model('m', 3)")
    rows = await run(
        fresh.admin,
        "select relname::text from pg_class where relnamespace = 'vocero'::regnamespace and relkind in ('r', 'p')"
        " and not (relrowsecurity and relforcerowsecurity)",
    )
    assert rows == [("migration",)]
