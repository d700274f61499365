"""What every test may ask for."""

from collections.abc import AsyncIterator, Iterator

import pytest

from infra.postgres.migrate import migrate
from infra.postgres.pool import Database
from tests.postgres import APPLICATION, Server, Urls


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
