"""Homes of embedded servers: a shared one with everything, and fresh ones; both leave nothing running."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from infra.embedded import Endpoints, Wanted, join, stop
from tests.infra.embedded.watching import everybody, until

EVERYTHING = Wanted(database=True, redis=True, model=True)


@dataclass(frozen=True, slots=True)
class Running:
    """A home whose servers run as long as the tests do."""

    home: Path
    endpoints: Endpoints


@pytest.fixture(scope="package")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    """One home with every server, for tests that only look."""
    home = tmp_path_factory.mktemp("embedded") / "a home with spaces, ñ and 🏠"
    async with join(home, EVERYTHING) as endpoints:
        yield Running(home, endpoints)
    assert await stop(home)


@pytest.fixture(scope="package")
async def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a database, stopped: to be copied, since making one takes a second."""
    home = tmp_path_factory.mktemp("made") / "home"
    async with join(home, Wanted(database=True)):
        pass
    assert await stop(home)
    return home


@pytest.fixture
async def used(home: Path, made: Path) -> Path:
    """A fresh home with a database, stopped."""
    assert await (await asyncio.create_subprocess_exec("cp", "-a", made, home)).wait() == 0
    return home


@pytest.fixture
async def home(tmp_path: Path) -> AsyncIterator[Path]:
    """A fresh home; afterwards none of its processes may be left."""
    home = tmp_path / "home"
    yield home
    assert await stop(home)
    await until(lambda: not everybody(home), 5)  # supervisors that lost the race for the lock need a moment to see it
