"""Keeps one server running: starts it, proves that it answers, says so, and starts it again when it dies."""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Literal, Protocol

from infra.embedded.errors import AbsentError, EmbeddedError, unusable
from infra.embedded.home import Home
from infra.embedded.process import Child
from infra.embedded.state import Service

log = logging.getLogger(__name__)

# Deaths in a row are answered after these seconds each; one more and the server is given up.
PAUSES = (0.05, 0.1, 0.2, 0.4, 0.8, 1.6)
PROBE_SECONDS = 0.02
# A server that lived this long died of something new.
STEADY_SECONDS = 60
# A given-up server is tried again by itself: disks are freed, and `vocero run` lives for months.
RETRY_SECONDS = 30


class Server(Protocol):
    """One program that can be kept running."""

    title: str

    @property
    def start_seconds(self) -> float:
        """How long a start may take."""
        ...

    async def launch(self) -> Child:
        """Start it. Raises AbsentError, EmbeddedError, OSError."""
        ...

    async def answers(self) -> bool:
        """Whether it answers now. Raises AbsentError, EmbeddedError when it never will."""
        ...

    def endpoints(self) -> Mapping[str, str]:
        """What clients need to reach it."""
        ...


class Keeper:
    """One server of one supervisor. `service` is what clients are told; `changed` is called whenever it changes."""

    def __init__(self, home: Home, server: Server, changed: Callable[[], None]) -> None:
        self._home, self._server, self._changed = home, server, changed
        self._task: asyncio.Task[None] | None = None
        self._asking: frozenset[str] = frozenset()
        self._gave_up = 0.0
        self.service = Service(title=server.title)

    def want(self, leases: frozenset[str]) -> None:
        """Start the server for these leases; one that was given up is tried again for a new lease, or after a while."""
        self._asking = leases
        if self._task is not None and not self._task.done():
            return
        rested = self.service.phase == "failed" and time.monotonic() - self._gave_up > RETRY_SECONDS
        if self._task is None or rested or leases - frozenset(self.service.told):
            self._task = asyncio.create_task(self._keep())

    async def stop(self) -> None:
        """Stop the server and keep it no longer."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    async def _keep(self) -> None:
        deaths = 0
        try:
            while True:
                began = time.monotonic()
                why = await self._live()
                deaths = 1 if time.monotonic() - began > STEADY_SECONDS else deaths + 1
                log.warning("died server=%s deaths=%d why=%s", self._server.title, deaths, why)
                if deaths > len(PAUSES):
                    raise EmbeddedError(f"{self._server.title} keeps ending ({why}); the logs are in {self._home.logs}")
                await asyncio.sleep(PAUSES[deaths - 1])
        except AbsentError as reason:
            self._fail(str(reason), phase="absent")
        except EmbeddedError as reason:
            self._fail(str(reason))
        except OSError as error:
            self._fail(str(unusable(Path(error.filename or self._home.path), error)))
        except Exception:
            log.exception("broken server=%s", self._server.title)
            self._fail(f"{self._server.title} hit a fault of vocero: report what {self._home.log('supervisor')} says")

    async def _live(self) -> str:
        """One life of the server, from its start to its death; the reason of the death."""
        self._say(Service(title=self._server.title))
        began = time.monotonic()
        child = await self._server.launch()
        try:
            if await self._comes_up(child):
                self._say(Service(title=self._server.title, phase="ready", endpoints=self._server.endpoints()))
                log.info("ready server=%s seconds=%.2f", self._server.title, time.monotonic() - began)
                await child.died()
            return child.last_words()
        finally:
            await child.stop()

    async def _comes_up(self, child: Child) -> bool:
        """Wait until the server answers; False when it died before. Raises EmbeddedError when it takes too long."""
        seconds = self._server.start_seconds
        try:
            async with asyncio.timeout(seconds):
                while not await self._server.answers():
                    if child.ended:
                        return False
                    await asyncio.sleep(PROBE_SECONDS)
        except TimeoutError:
            reason = f"{self._server.title} did not answer in {seconds:.0f} s; see {child.command.log}"
            raise EmbeddedError(reason) from None
        return not child.ended

    def _fail(self, reason: str, phase: Literal["absent", "failed"] = "failed") -> None:
        self._gave_up = time.monotonic()
        log.warning("%s server=%s why=%s", phase, self._server.title, reason)
        self._say(Service(title=self._server.title, phase=phase, detail=reason, told=tuple(self._asking)))

    def _say(self, service: Service) -> None:
        self.service = service
        self._changed()
