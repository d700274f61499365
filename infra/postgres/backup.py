"""Backup and restore by PostgreSQL's own programs: all workspaces in one file, with owners and policies."""

import asyncio
import os
import re
import secrets
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Final

import psycopg
from psycopg import AsyncConnection, sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from core.errors import InputError, KnowledgeDown, SetupError
from infra.embedded.errors import EmbeddedError
from infra.embedded.postgres import find_programs
from infra.postgres.errors import translated

SCHEMAS: Final = ("vocero", "vocero_jobs")
_MAGIC: Final = b"PGDMP"
_GRANTED: Final = re.compile(r"^GRANT .* TO (\"[^\"]+\"|\w+);$", re.MULTILINE)
_OWNER: Final = re.compile(r"^(?:ALTER .* OWNER|-- .*Owner:) (?:TO )?(\"[^\"]+\"|\w+);?$", re.MULTILINE)
_VERSION: Final = re.compile(r"(\d+)(?:\.\d+)*")


async def backup(owner_url: str, file: Path) -> int:
    """Write all that Vocero keeps in the database to a file only we may read; return its bytes. SetupError.

    A moment's picture: people ask and documents change meanwhile. Redis is not in it: it holds nothing that is lost.
    """
    if not file.parent.is_dir():
        raise InputError(f"There is no folder {file.parent}: make it first.")
    version = await _server(owner_url)
    part = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    try:
        os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        wanted = [f"--schema={name}" for name in SCHEMAS]
        await _run(owner_url, "pg_dump", version, "--format=custom", f"--file={part}", *wanted)
        part.replace(file)
    except OSError as error:
        raise InputError(f"{file} cannot be written: {error.strerror}.") from error
    finally:
        part.unlink(missing_ok=True)
    return file.stat().st_size  # noqa: ASYNC240 - once


async def restore(owner_url: str, file: Path) -> None:
    """Bring a database without workspaces to what a backup holds, in one transaction. InputError, SetupError."""
    try:
        with file.open("rb") as stream:
            if stream.read(len(_MAGIC)) != _MAGIC:
                raise InputError(f"{file} is no backup of Vocero: give it a file that `vocero backup` wrote.")
    except OSError as error:
        raise InputError(f"{file} cannot be read: {error.strerror}.") from error
    version = await _server(owner_url)
    plan = await _run(owner_url, "pg_restore", version, "--schema-only", "--file=-", str(file), connect=False)
    roles = {name.strip('"') for name in (*_OWNER.findall(plan), *_GRANTED.findall(plan))} - {"PUBLIC", "-"}
    await _make_room(owner_url, roles)
    await _run(owner_url, "pg_restore", version, "--single-transaction", "--exit-on-error", str(file))


async def _server(url: str) -> int:
    """Return the server's major version. KnowledgeDown."""
    with translated():
        async with await AsyncConnection.connect(url, connect_timeout=5) as connection:
            return connection.info.server_version // 10_000


async def _make_room(url: str, roles: set[str]) -> None:
    """Take away an empty schema, and make the extension and the roles that the backup's objects belong to."""
    with translated():
        async with await AsyncConnection.connect(url, connect_timeout=5) as connection:
            try:
                cursor = await connection.execute("select to_regclass('vocero.workspace') is not null")
                [(there,)] = await cursor.fetchall()
                if there and await (await connection.execute("select 1 from vocero.workspace limit 1")).fetchone():
                    raise SetupError(
                        "The database already holds workspaces, which a restore would mix up: restore into an empty "
                        "one, and point VOCERO_DATABASE_URL (or VOCERO_HOME) at it."
                    )
                for name in SCHEMAS:
                    await connection.execute(sql.SQL("drop schema if exists {} cascade").format(sql.Identifier(name)))
                await connection.execute("create extension if not exists vector")
                for role in sorted(roles):
                    found = await connection.execute("select 1 from pg_roles where rolname = %s", (role,))
                    if not await found.fetchone():
                        await connection.execute(sql.SQL("create role {} nologin").format(sql.Identifier(role)))
            except psycopg.errors.InsufficientPrivilege as error:
                raise SetupError(
                    f"The role {connection.info.user!r} may not restore ({error.diag.message_primary}): "
                    "give --admin-url a superuser."
                ) from error


async def _run(url: str, program: str, version: int, *arguments: str, connect: bool = True) -> str:
    """Run one of PostgreSQL's programs and return what it printed; the password is not in its arguments."""
    parts = conninfo_to_dict(url)
    password = str(parts.pop("password", "") or "")
    where = [f"--dbname={make_conninfo('', **parts)}", "--no-password"] if connect else []
    process = await asyncio.create_subprocess_exec(
        str(await _program(program, version)),
        *where,
        *arguments,
        env={**os.environ, "PGPASSWORD": password, "LC_MESSAGES": "C"},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        out, err = await process.communicate()
    except BaseException:
        process.terminate()
        await process.wait()
        raise
    if process.returncode:
        raise _why(program, err.decode("utf-8", "replace"))
    return out.decode("utf-8", "replace")


def _why(program: str, said: str) -> KnowledgeDown | SetupError:
    last = next((line for line in said.splitlines() if "error" in line.lower()), said.strip()[-200:])
    if any(word in said for word in ("row-level security", "permission denied", "must be owner", "privilege")):
        return SetupError(
            "The role may not read or make everything: give --admin-url a superuser, or a role with BYPASSRLS that "
            "owns the tables."
        )
    if "No space left" in said:
        return KnowledgeDown("The disk is full: free space on it, then try again.")
    return KnowledgeDown(f"{program} did not finish ({last[:200]}).")


async def _program(name: str, version: int) -> Path:
    """Return the program, new enough for the server: the system's, else the one of the embedded PostgreSQL."""
    places = [Path(found)] if (found := shutil.which(name)) else []
    with suppress(EmbeddedError):
        places.append(find_programs() / name)
    for place in places:
        process = await asyncio.create_subprocess_exec(
            str(place), "--version", stdout=asyncio.subprocess.PIPE, stdin=asyncio.subprocess.DEVNULL
        )
        told, _ = await process.communicate()
        if (major := _VERSION.search(told.decode())) and int(major[1]) >= version:
            return place
    raise SetupError(f"There is no {name} for PostgreSQL {version}: install its client programs, and try again.")
