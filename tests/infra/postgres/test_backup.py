"""Backup and restore: the same answers after, and refusals with their remedy."""

import os
from pathlib import Path

import psycopg
import pytest

from core.audience import EVERYONE
from core.errors import InputError, SetupError
from infra.postgres.backup import backup, restore
from infra.postgres.migrate import check, migrate
from infra.postgres.pool import Database
from tests.infra.knowledge.teaching import Company
from tests.postgres import APPLICATION, Server, Urls

QUERIES = ("tents", "stoves", "who hires canoes", "refund")


async def found(company: Company) -> list[list[tuple[str, str, float]]]:
    """Return what each query finds."""
    passages = [
        (await company.engine.retrieve(q, workspace=company.workspace, audience=EVERYONE, limit=5)).passages
        for q in QUERIES
    ]
    return [[(p.title, p.text, round(p.score, 6)) for p in some] for some in passages]


@pytest.mark.slow
async def test_a_restored_database_finds_the_same(
    postgres_server: Server, postgres: Urls, database: Database, tmp_path: Path
) -> None:
    """Taught, dumped, brought into an empty database: every search gives the same passages, and teaching goes on."""
    company = Company(database)
    for name, text in (
        ("a.md", "Tents are sold."),
        ("b.md", "Stoves are hired out."),
        ("c.md", "Refunds take a week."),
    ):
        await company.teach(name, text)
    before, file = await found(company), tmp_path / "vocero.dump"
    assert await backup(postgres.admin, file) == file.stat().st_size > 0
    assert file.stat().st_mode & 0o777 == 0o600
    assert names(tmp_path) == ["vocero.dump"]
    empty = postgres_server.database()
    await restore(empty.admin, file)
    await migrate(empty.admin, APPLICATION)
    await check(empty.application)
    async with Database(empty.application) as again:
        other = Company(again, workspace=company.workspace)
        assert await found(other) == before
        await other.teach("d.md", "Canoes are hired by the lake.")
        assert "Canoes" in (await found(other))[2][0][1]
    await migrate(postgres.admin, APPLICATION)  # what teaching made is granted at the next one
    assert owners(empty) == owners(postgres), "what the keeper owns decides what it may see"
    with pytest.raises(SetupError, match=r"already holds workspaces, .*: restore into an empty one"):
        await restore(empty.admin, file)


def names(folder: Path) -> list[str]:
    """Return the files in a folder."""
    return [path.name for path in folder.iterdir()]


OWNED = """
    select p.proname, r.rolname, p.prosecdef, p.proacl::text from pg_proc p join pg_roles r on r.oid = p.proowner
    where p.pronamespace = 'vocero'::regnamespace
    union all
    select c.relname, r.rolname, c.relforcerowsecurity, c.relacl::text from pg_class c
        join pg_roles r on r.oid = c.relowner where c.relnamespace = 'vocero'::regnamespace
    order by 1, 4
"""


def owners(urls: Urls) -> list[tuple[object, ...]]:
    """Return the owner and the rights of every function and table."""
    with psycopg.connect(urls.admin) as admin:
        return admin.execute(OWNED).fetchall()


async def test_who_may_not_is_told_who_may(postgres: Urls, database: Database, tmp_path: Path) -> None:
    """The application's role sees no workspace, so it can save none; nothing is left of the attempt."""
    with pytest.raises(SetupError, match="give --admin-url a superuser"):
        await backup(postgres.application, tmp_path / "x.dump")
    assert not names(tmp_path)


async def test_files_that_are_none(postgres: Urls, tmp_path: Path) -> None:
    """Not there, no backup, no folder: each in a sentence."""
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(InputError, match=r"notes\.txt is no backup of Vocero"):
        await restore(postgres.admin, tmp_path / "notes.txt")
    with pytest.raises(InputError, match="cannot be read: No such file"):
        await restore(postgres.admin, tmp_path / "nothing")
    with pytest.raises(InputError, match="There is no folder"):
        await backup(postgres.admin, tmp_path / "no" / "x.dump")


@pytest.mark.slow
async def test_half_a_backup_restores_nothing(
    postgres_server: Server, postgres: Urls, database: Database, tmp_path: Path
) -> None:
    """A file that was cut off is an error, and the database stays without tables."""
    await Company(database).teach("a.md", "Tents are sold.")
    file = tmp_path / "vocero.dump"
    await backup(postgres.admin, file)
    os.truncate(file, file.stat().st_size - 2_000)
    empty = postgres_server.database()
    with pytest.raises(Exception, match="pg_restore did not finish"):
        await restore(empty.admin, file)
    with psycopg.connect(empty.admin) as admin:
        assert admin.execute("select to_regclass('vocero.workspace')").fetchone() == (None,)
