"""The folder VOCERO_HOME: where the servers' data, logs, locks and passwords lie.

- HOME/credentials.json: ports and passwords, kept between runs (0600)
- HOME/postgres/data: the database
- HOME/redis: the cache
- HOME/logs: one log per server, and the supervisor's
- HOME/run: lock, state, leases, pids; worth nothing once nobody runs
"""

import fcntl
import os
import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path

from infra.embedded.errors import EmbeddedError, unusable

# initdb takes 40 MB and a first handbook as much again; below this Postgres would only panic later.
DATABASE_BYTES = 200_000_000


@dataclass(frozen=True, slots=True)
class Home:
    """The places under one VOCERO_HOME (`path` absolute)."""

    path: Path

    @property
    def credentials(self) -> Path:
        return self.path / "credentials.json"

    @property
    def postgres(self) -> Path:
        return self.path / "postgres"

    @property
    def redis(self) -> Path:
        return self.path / "redis"

    @property
    def logs(self) -> Path:
        return self.path / "logs"

    @property
    def run(self) -> Path:
        return self.path / "run"

    @property
    def leases(self) -> Path:
        return self.run / "leases"

    @property
    def lock(self) -> Path:
        """Locked by the supervisor for its life: whoever can share it knows that no supervisor lives."""
        return self.run / "supervisor.lock"

    @property
    def state(self) -> Path:
        return self.run / "state.json"

    @property
    def stop_request(self) -> Path:
        return self.run / "stop"

    def log(self, service: str) -> Path:
        return self.logs / f"{service}.log"

    def pid(self, service: str) -> Path:
        return self.run / f"{service}.pid"


def at(path: Path) -> Home:
    """The home at this path, which may be relative, begin with ~ or lead over links."""
    return Home(path.expanduser().resolve())


def prepare(home: Home, *, database: bool) -> None:
    """Make the folders, for their owner only. Raises EmbeddedError when the disk refuses or is nearly full."""
    try:
        home.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        for folder in (home.postgres, home.redis, home.logs, home.run, home.leases):
            folder.mkdir(mode=0o700, exist_ok=True)
        home.lock.touch(mode=0o600)
        free = shutil.disk_usage(home.path).free
    except OSError as error:
        raise unusable(Path(error.filename or home.path), error) from error
    if database and not (home.postgres / "data").exists() and free < DATABASE_BYTES:
        raise EmbeddedError(
            f"{home.path} has {free // 1_000_000} MB left and the database needs {DATABASE_BYTES // 1_000_000}: "
            "free some space, or set VOCERO_HOME to a folder on another disk"
        )


def write(path: Path, text: str) -> None:
    """Write a small private file in one step: readers see the old text or the new, never a part."""
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
        fresh.replace(path)
    except OSError:
        fresh.unlink(missing_ok=True)
        raise


def lock(path: Path) -> int | None:
    """Lock a file until its descriptor closes, or None when somebody holds it (the kernel frees a dead holder's)."""
    return _locked(path, os.O_RDWR, fcntl.LOCK_EX)


def held(path: Path) -> bool:
    """Say whether a living process holds the lock; looks by sharing it for a moment."""
    descriptor = _locked(path, os.O_RDONLY, fcntl.LOCK_SH)
    if descriptor is None:
        return True
    os.close(descriptor)
    return False


def _locked(path: Path, flags: int, mode: int) -> int | None:
    descriptor = os.open(path, flags)
    try:
        fcntl.flock(descriptor, mode | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        if isinstance(error, BlockingIOError):
            return None
        raise
    return descriptor
