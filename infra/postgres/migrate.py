"""Bring a database to the newest tables, and refuse to start on one that is not fit."""

from importlib.util import find_spec
from pathlib import Path
from typing import Final

import psycopg
from psycopg import AsyncConnection

from core.errors import SetupError
from infra.postgres.errors import MIGRATE, translated
from infra.postgres.pool import Connection

HERE: Final = Path(__file__).parent
OLDEST: Final = 160_000  # PostgreSQL 16: grants with `inherit false, set true`
PGVECTOR: Final = (0, 8)  # iterative index scans
JOBS: Final = "jobs/"  # before the names of the queue's own migrations
_DONE: Final = "insert into vocero.migration (name) values (%s)"
LOCK: Final = 0x766F6365726F  # "vocero": one migration at a time


def migrations() -> list[Path]:
    """Return the migration files, in order."""
    return sorted((HERE / "migrations").glob("[0-9][0-9][0-9][0-9]_*.sql"))


def job_migrations() -> list[Path]:
    """Return the queue's own migration files, in order; found without loading the queue."""
    return sorted((_jobs_folder() / "migrations").glob("*.sql"))


async def migrate(owner_url: str, application_role: str) -> list[str]:
    """Apply what is missing, each file in a transaction of its own; return the names. SetupError, KnowledgeDown.

    `owner_url` names a superuser, or a role that owns the database and may create roles; `application_role` must exist
    and gets its rights on rows. Safe to run again and by many at once.
    """
    with translated():
        async with await AsyncConnection.connect(owner_url, autocommit=True, connect_timeout=5) as connection:
            _refuse_old(connection)
            await connection.execute("select pg_advisory_lock(%s)", (LOCK,))
            try:
                return await _apply(connection, application_role)
            except psycopg.errors.InsufficientPrivilege as error:
                raise SetupError(_administrator(error, connection.info.user)) from error


async def check(application_url: str) -> None:
    """Refuse a database that Vocero must not start on, with one sentence. SetupError, KnowledgeDown."""
    with translated():
        async with await AsyncConnection.connect(application_url, autocommit=True, connect_timeout=2) as connection:
            _refuse_old(connection)
            await _refuse_extension(connection)
            await _refuse_schema(connection)
            await _refuse_role(connection)


async def _apply(connection: Connection, application_role: str) -> list[str]:
    if not await _one(connection, "select 1 from pg_roles where rolname = %s", application_role):
        raise SetupError(
            f"The database role {application_role!r} does not exist: "
            f"an administrator must run `create role {application_role} login password '...'`."
        )
    await _run(connection, HERE / "roles.sql")
    cursor = await connection.execute("select name from vocero.migration")
    done = {str(name) for (name,) in await cursor.fetchall()}
    missing = [path for path in migrations() if path.stem not in done]
    changed = await _bring_jobs(connection, done)
    for path in missing:
        async with connection.transaction():
            await _run(connection, path)
            await connection.execute(_DONE, (path.stem,))
    await connection.execute("select set_config('vocero.application_role', %s, false)", (application_role,))
    await _run(connection, HERE / "grants.sql")
    return [*changed, *(path.stem for path in missing)]


async def _bring_jobs(connection: Connection, done: set[str]) -> list[str]:
    """Make the queue's tables, or bring those of an older release of it up to ours; return what was brought up."""
    steps = {JOBS + path.stem: path for path in job_migrations()}
    missing = [name for name in steps if name not in done]
    new = len(missing) == len(steps)
    if not missing:
        return []
    async with connection.transaction():
        await connection.execute("create schema if not exists vocero_jobs; set local search_path = vocero_jobs")
        for path in [_jobs_folder() / "schema.sql"] if new else [steps[name] for name in missing]:
            await _run(connection, path)
        for name in missing:
            await connection.execute(_DONE, (name,))
    return [] if new else missing


def _jobs_folder() -> Path:
    found = find_spec("procrastinate")
    if found is None or found.origin is None:
        raise SetupError("The package procrastinate is missing: install vocero again.")
    return Path(found.origin).parent / "sql"


async def _run(connection: Connection, path: Path) -> None:
    await connection.execute(path.read_bytes())  # noqa: ASYNC240 - a few kilobytes, once


async def _one(connection: Connection, statement: str, *values: object) -> tuple[object, ...] | None:
    return await (await connection.execute(statement, values)).fetchone()


def _refuse_old(connection: Connection) -> None:
    version = connection.info.server_version
    if version < OLDEST:
        raise SetupError(f"PostgreSQL {version // 10_000} is too old: Vocero needs 16 or newer.")


async def _refuse_extension(connection: Connection) -> None:
    found = await _one(
        connection,
        "select e.extversion, n.nspname from pg_extension e join pg_namespace n on n.oid = e.extnamespace"
        " where e.extname = 'vector'",
    )
    if not found:
        raise SetupError(
            "The database has no pgvector extension: install pgvector 0.8 or newer on the server, "
            "let an administrator run `create extension vector`, then `vocero migrate`."
        )
    version = tuple(int(part) for part in str(found[0]).split(".")[:2])
    if version < PGVECTOR:
        raise SetupError(
            f"pgvector {found[0]} is too old: update it to 0.8 or newer, then `alter extension vector update`."
        )
    if found[1] != "public":
        raise SetupError(
            "The pgvector extension must stand in the schema public: `alter extension vector set schema public`."
        )


async def _refuse_schema(connection: Connection) -> None:
    names = [*(path.stem for path in migrations()), *(JOBS + path.stem for path in job_migrations())]
    try:
        found = await _one(connection, "select count(*) from vocero.migration where name = any (%s)", names)
    except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName, psycopg.errors.InsufficientPrivilege):
        found = None
    if not found or found[0] != len(names):  # one that the database knows and we do not is a newer replica's: fine
        raise SetupError(MIGRATE)


async def _refuse_role(connection: Connection) -> None:
    row = await _one(
        connection,
        "select rolsuper, rolbypassrls, pg_has_role(current_user, 'vocero_keeper', 'USAGE')"
        " from pg_roles where rolname = current_user",
    )
    if row and any(row):
        what = "is a superuser" if row[0] else "bypasses row-level security" if row[1] else "inherits vocero_keeper"
        raise SetupError(
            f"The database role {connection.info.user!r} {what} and would see every workspace: "
            "give VOCERO_DATABASE_URL a plain role."
        )


def _administrator(error: psycopg.errors.InsufficientPrivilege, user: str) -> str:
    message = error.diag.message_primary or ""
    if "extension" in message:
        what = "`create extension vector` in this database"
    elif "role" in message:
        what = (
            "`create role vocero_keeper nologin` if it is missing, "
            f"and `grant vocero_keeper to {user} with inherit false, set true`"
        )
    else:
        what = f"`vocero migrate` with its own URL, or make {user} the owner of the database"
    return f"The role {user!r} may not prepare the database ({message}): an administrator must run {what}."
