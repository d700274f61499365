"""The one process that owns a home's servers: detached, alive while clients hold leases and a little longer.

    python -m infra.embedded.supervisor HOME [IDLE_SECONDS]     (started by clients; a second one ends at once)

SIGTERM and SIGINT stop every server and end it; a clean end removes the state file, then frees the lock.
"""

import asyncio
import logging
import os
import signal
import socket
import sys
import time
from pathlib import Path

from infra.embedded.credentials import Credentials
from infra.embedded.home import Home, lock
from infra.embedded.keeper import Keeper, Server
from infra.embedded.leases import living
from infra.embedded.model import Model
from infra.embedded.postgres import Postgres
from infra.embedded.redis import Redis
from infra.embedded.state import State, publish

log = logging.getLogger(__name__)

# A second `vocero ask` within this time finds everything running.
IDLE_SECONDS = 20.0
TICK_SECONDS = 0.1


class Supervisor:
    """The servers of one home, kept for as long as somebody wants them."""

    def __init__(self, home: Home, idle_seconds: float = IDLE_SECONDS) -> None:
        self._home, self._idle_seconds = home, idle_seconds
        self._keepers: dict[str, Keeper] = {}
        self._wanted_at: dict[str, float] = {}
        self._stop = asyncio.Event()
        self._unpublished = True
        self._stopping = False
        self._began = time.monotonic()

    async def run(self, descriptor: int) -> None:
        """Serve until idle or told to stop; `descriptor` holds the lock."""
        loop = asyncio.get_running_loop()
        for told in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            loop.add_signal_handler(told, self._stop.set)
        try:
            while not self._stop.is_set() and self._still_ours(descriptor):
                if not await self._tick() and self._may_end():
                    break
                try:
                    await asyncio.wait_for(self._stop.wait(), TICK_SECONDS)
                except TimeoutError:
                    continue
        finally:
            self._stopping = True
            self._publish()
            await asyncio.gather(*(keeper.stop() for keeper in self._keepers.values()))
            self._home.state.unlink(missing_ok=True)
            log.info("ended")

    async def _tick(self) -> bool:
        """Look at the leases once. False when there is nothing left to do."""
        now, leases = time.monotonic(), living(self._home)
        for name, detail in {name: detail for lease in leases for name, detail in lease.services.items()}.items():
            self._wanted_at[name] = now
            if name not in self._keepers:
                self._keepers[name] = Keeper(self._home, self._server(name, detail), self._publish)
            self._keepers[name].want(frozenset(lease.name for lease in leases if name in lease.services))
        if leases and self._home.stop_request.exists():
            self._home.stop_request.unlink(missing_ok=True)  # refused: others are at work
        for name in [name for name, at in self._wanted_at.items() if leases and now - at > self._idle_seconds]:
            await self._retire(name)
        if self._unpublished:
            self._publish()
        idle = now - max(self._wanted_at.values(), default=self._began)
        return bool(leases) or (idle < self._idle_seconds and not self._home.stop_request.exists())

    async def _retire(self, name: str) -> None:
        """Stop a server that nobody wants any more; hidden first, then looked again, for the reason `_may_end` has."""
        keeper = self._keepers.pop(name)
        self._publish()
        if any(name in lease.services for lease in living(self._home)):
            self._keepers[name] = keeper
            self._publish()
        else:
            del self._wanted_at[name]
            await keeper.stop()

    def _may_end(self) -> bool:
        """Announce the end, then look again: a client takes its lease before it reads, so one of the two sees it."""
        self._stopping = True
        self._publish()
        self._home.stop_request.unlink(missing_ok=True)
        if living(self._home):
            self._stopping = False
            self._publish()
        return self._stopping

    def _server(self, name: str, detail: str) -> Server:
        credentials = Credentials(self._home)
        if name == "database":
            return Postgres(self._home, credentials)
        if name == "redis":
            return Redis(self._home, credentials)
        file, *adapters = detail.split("\n")
        return Model(
            self._home,
            credentials,
            service=name,
            file=Path(file) if file else None,
            adapters=[Path(adapter) for adapter in adapters],
        )

    def _publish(self) -> None:
        services = {name: keeper.service for name, keeper in self._keepers.items()}
        state = State(pid=os.getpid(), host=socket.gethostname(), stopping=self._stopping, services=services)
        try:
            publish(self._home, state)
            self._unpublished = False
        except OSError as error:  # a full disk: said again at the next tick
            self._unpublished = True
            log.warning("unpublished why=%s", error.strerror)

    def _still_ours(self, descriptor: int) -> bool:
        """False when the home was removed, or removed and made anew, under our feet."""
        try:
            return os.path.samestat(os.fstat(descriptor), self._home.lock.stat())
        except FileNotFoundError:
            return False


def main() -> None:
    """Detach, take the home's lock, serve. Ends at once when another supervisor has the lock."""
    home = Home(Path(sys.argv[1]))
    if os.fork():
        os._exit(0)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    descriptor = _take(home)
    if descriptor is None:
        return
    home.state.unlink(missing_ok=True)
    home.stop_request.unlink(missing_ok=True)
    os.chdir("/")
    log.info("started pid=%d home=%s", os.getpid(), home.path)
    asyncio.run(Supervisor(home, *(float(seconds) for seconds in sys.argv[2:])).run(descriptor))


def _take(home: Home) -> int | None:
    """The home's lock, or None when it is another's; a client that looks shares it for microseconds, so try twice."""
    for attempt in range(50):
        if (descriptor := lock(home.lock)) is not None:
            # The other may have been told to end while we waited: then nobody is there to serve.
            return descriptor if attempt == 0 or living(home) else None
        time.sleep(0.01)
    return None


if __name__ == "__main__":
    main()
