"""What every test may ask for, and what none may do: reach beyond this machine."""

import errno
import socket
import sys
from collections.abc import AsyncIterator, Iterator

import pytest

from infra.postgres.migrate import migrate
from infra.postgres.pool import Database
from tests.postgres import APPLICATION, Server, Urls

REACHED: list[str] = []  # beyond this machine: by whatever library, in whatever test


def _loopback_only(event: str, args: tuple[object, ...]) -> None:
    """Let nothing connect or be looked up elsewhere, as on a machine without a network, and remember who tried."""
    if event in ("socket.connect", "socket.sendto") and isinstance(args[1], tuple):
        host = str(args[1][0])
        if not host.startswith("127.") and host not in ("::1", "localhost", "0.0.0.0", "::"):
            REACHED.append(host)
            raise OSError(errno.ENETUNREACH, "tests reach loopback only")
    elif event == "socket.getaddrinfo" and str(args[0]).endswith((".com", ".org", ".co", ".io", ".ai", ".gg", ".dev")):
        REACHED.append(str(args[0]))
        raise socket.gaierror(socket.EAI_NONAME, "tests look nobody up")


sys.addaudithook(_loopback_only)


@pytest.fixture(autouse=True)
def nobody_calls_home() -> Iterator[None]:
    """Fail the test in which something tried to reach beyond this machine."""
    before = len(REACHED)
    yield
    assert REACHED[before:] == []


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Server]:
    """One real PostgreSQL for the whole run."""
    with Server() as server:
        yield server


@pytest.fixture(scope="module")
def postgres(postgres_server: Server) -> Urls:
    """A fresh, empty database for each test module; see `tests.postgres`."""
    return postgres_server.database()


@pytest.fixture(scope="module")
async def database(postgres: Urls) -> AsyncIterator[Database]:
    """The module's database, migrated, opened as the application's plain role."""
    await migrate(postgres.admin, APPLICATION)
    async with Database(postgres.application) as database:
        yield database
