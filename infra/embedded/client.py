"""A client's side: take a lease, see to it that a supervisor lives, wait until the servers answer."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from infra.embedded.errors import EmbeddedError, unusable
from infra.embedded.home import Home, at, held, prepare, write
from infra.embedded.leases import Lease, hold
from infra.embedded.process import opened, passed_on
from infra.embedded.state import Service, read
from infra.embedded.wanted import Endpoints, Wanted, to_endpoints
from infra.embedded.weights import loading_seconds

ROOT = Path(__file__).parents[2]
WAIT_SECONDS = 60.0
POLL_SECONDS = 0.02
WATCH_SECONDS = 1.0
# A supervisor shows itself within half a second; three that did not will not.
SPAWN_SECONDS, SPAWNS = 3.0, 3


def ignore(sentence: str) -> None:
    """Hear a progress sentence and do nothing."""


@asynccontextmanager
async def join(home: Path, wanted: Wanted, *, say: Callable[[str], None] = ignore) -> AsyncIterator[Endpoints]:
    """Join this home's supervisor, or start one; yield once every wanted server answers; hold on until the block ends.

    A supervisor that dies meanwhile is replaced, and its servers come back on the same ports with the same passwords.
    Raises EmbeddedError: the database cannot run, the user's model file cannot be used, or the home cannot be written.
    """
    services = wanted.services()
    if not services:
        yield to_endpoints(wanted, {})
        return
    place = at(home)
    prepare(place, database=wanted.database)
    with hold(place, services) as lease:
        endpoints = await _Waiting(place, wanted, lease, say).answer()
        watch = asyncio.create_task(_watch(place, lease))
        try:
            yield endpoints
        finally:
            watch.cancel()
            with suppress(asyncio.CancelledError):
                await watch


async def stop(home: Path) -> bool:
    """Stop the home's servers now; False when another client still needs them. Raises EmbeddedError."""
    place = at(home)
    if not _lives(place):
        return True
    try:
        write(place.stop_request, "")
    except OSError as error:
        raise unusable(place.run, error) from error
    deadline = time.monotonic() + WAIT_SECONDS
    while _lives(place):
        taken = not place.stop_request.exists()  # looked at first: the end is announced before the request is taken
        told = read(place)
        if taken and told is not None and not told.stopping:
            return False
        if time.monotonic() > deadline:
            raise EmbeddedError(f"the servers of {place.path} do not end; see {place.log('supervisor')}")
        await asyncio.sleep(POLL_SECONDS)
    return True


class _Waiting:
    """One client's wait for its servers."""

    def __init__(self, home: Home, wanted: Wanted, lease: Lease, say: Callable[[str], None]) -> None:
        self._home, self._wanted, self._lease, self._say = home, wanted, lease, say
        self._said: set[str] = set()
        self._missed: set[str] = set()  # services that did not answer when we looked: somebody waits for them
        self._spawned: list[float] = []

    async def answer(self) -> Endpoints:
        seconds = WAIT_SECONDS + loading_seconds(self._wanted.model_file)
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            services = await self._look()
            if len(services) == len(self._lease.services):
                return to_endpoints(self._wanted, services)
            self._missed |= self._lease.services.keys() - services.keys()
            await asyncio.sleep(POLL_SECONDS)
        raise EmbeddedError(self._late(seconds))

    async def _look(self) -> Mapping[str, Service]:
        """Those of our services that answer, or are known not to for us; starts a supervisor when none lives."""
        if not _lives(self._home):
            await self._respawn()
            return {}
        told = read(self._home)
        if told is None or told.stopping:
            return {}
        mine = {name: told.services[name] for name in self._lease.services if name in told.services}
        for name, service in mine.items():
            # one may have become ready between two looks
            waited = service.phase == "starting" or (service.phase == "ready" and name in self._missed)
            if waited and service.title not in self._said:
                self._said.add(service.title)
                self._say(f"starting {service.title}")
        return {name: service for name, service in mine.items() if await self._settled(service)}

    async def _respawn(self) -> None:
        if self._spawned and time.monotonic() - self._spawned[-1] < SPAWN_SECONDS:
            return
        if len(self._spawned) == SPAWNS:
            raise EmbeddedError(f"the supervisor of the servers does not start; see {self._home.log('supervisor')}")
        await spawn(self._home)
        self._spawned.append(time.monotonic())

    async def _settled(self, service: Service) -> bool:
        if service.phase == "ready":
            return await _listens(service)
        return service.phase == "absent" or (service.phase == "failed" and self._lease.name in service.told)

    def _late(self, seconds: float) -> str:
        told = read(self._home)
        services = told.services if told else {}
        late = [services[name].title if name in services else name for name in self._lease.services]
        where = f" (they are kept by process {told.pid} on {told.host})" if told else ""
        return f"{' and '.join(late)} did not answer in {seconds:.0f} s{where}; the logs are in {self._home.logs}"


async def spawn(home: Home) -> None:
    """Start a supervisor that outlives us; one that finds the home taken ends by itself. Raises EmbeddedError."""
    try:
        with opened(home.log("supervisor")) as log:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "infra.embedded.supervisor", home.path),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=ROOT,
                env=passed_on(),
                start_new_session=True,
            )
    except OSError as error:
        raise unusable(home.logs, error) from error
    await process.wait()  # it forks itself away at once, so that no zombie stays with us


async def _watch(home: Home, lease: Lease) -> None:
    """Replace a supervisor that died; give up when the home itself is gone."""
    spawned = 0.0
    while (home.leases / lease.name).exists():
        with suppress(EmbeddedError):  # the disk is full: the next round may do better
            if time.monotonic() - spawned > SPAWN_SECONDS and not _lives(home):
                spawned = time.monotonic()
                await spawn(home)
        await asyncio.sleep(WATCH_SECONDS)


def _lives(home: Home) -> bool:
    """Whether a supervisor lives. Raises EmbeddedError when we may not even look."""
    try:
        return held(home.lock)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise unusable(home.path, error) from error


async def _listens(service: Service) -> bool:
    """Whether somebody takes connections where the service said: its supervisor may live in another container."""
    port = next(url for name, url in service.endpoints.items() if name.endswith("_url")).rpartition(":")[2]
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", int(port.partition("/")[0]))
    except OSError:
        return False
    writer.close()
    return True
