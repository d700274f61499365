"""The operator's port of a part: /livez, /readyz, /statusz, /metrics. No text, no secret, no way to act."""

import asyncio
import errno
import json
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from types import TracebackType
from typing import Any, Final, Self

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from core.errors import BotError, SetupError
from infra.telemetry.meters import Meters

TICK: Final = 0.25  # seconds between two looks at the event loop's lateness
STUCK: Final = 5.0  # seconds of lateness after which the process counts as stuck
LOOK: Final = 5.0  # seconds for one look at a service
FRESH: Final = 1.0  # seconds that a look at the database counts: probes are many
GRACE: Final = 1.0
OFF: Final = "off"

Look = Callable[[], Awaitable[str]]
Sample = Callable[[], Awaitable[None]]


class Port:
    """The server; `async with` opens and closes it. It answers from the start on, and says `starting` until `open`."""

    def __init__(self, part: str, bind: str, meters: Meters, *, given: bool = True) -> None:
        """Keep what is given. `given`: the address was chosen by somebody, so a taken port is an error. SetupError."""
        self.part, self.meters, self._given = part, meters, given
        self._host, self._port = to_bind(bind)
        self._began, self._late, self._state = time.monotonic(), 0.0, "starting"
        self._needs: Look | None = None
        self._looks: Mapping[str, Look] = {}
        self._sample: Sample | None = None
        self._known: tuple[float, str] = (-FRESH, "")
        self._runner: web.AppRunner | None = None
        self._clock: asyncio.Task[None] | None = None

    def open(self, *, needs: Look, looks: Mapping[str, Look], sample: Sample) -> None:
        """Say that the part works. `needs` raises BotError while it cannot; `looks` are what /statusz tells of."""
        self._state, self._needs, self._looks, self._sample = "ready", needs, looks, sample

    def close(self) -> None:
        """Say that the part stops: send it nothing more."""
        self._state = "stopping"
        self.meters.ready.set(0)

    async def __aenter__(self) -> Self:
        served = web.Application()
        for path, answer in (
            ("/livez", self._livez),
            ("/readyz", self._readyz),
            ("/statusz", self._statusz),
            ("/metrics", self._metrics),
        ):
            served.router.add_get(path, answer)
        self._runner = web.AppRunner(served, access_log=None, shutdown_timeout=GRACE)
        await self._runner.setup()
        try:
            await self._listen(self._runner)
        except OSError as error:
            await self._runner.cleanup()
            raise SetupError(
                f"The operator's port {self._host}:{self._port} cannot be used ({error.strerror or error}): "
                "set VOCERO_OPERATOR_BIND to another HOST:PORT, or to off."
            ) from error
        self._clock = asyncio.create_task(self._watch())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
        if self._clock:
            self._clock.cancel()
            with suppress(asyncio.CancelledError):
                await self._clock
        if self._runner:
            await self._runner.cleanup()

    @property
    def address(self) -> str:
        """Where it answers."""
        port = self._runner.addresses[0][1] if self._runner and self._runner.addresses else self._port
        return f"http://{f'[{self._host}]' if ':' in self._host else self._host}:{port}"

    async def _listen(self, runner: web.AppRunner) -> None:
        try:
            await web.TCPSite(runner, self._host, self._port).start()
        except OSError as error:
            if self._given or error.errno != errno.EADDRINUSE:
                raise
            await web.TCPSite(runner, self._host, 0).start()  # nobody chose the port: any will do

    async def _watch(self) -> None:
        while True:
            began = time.monotonic()
            await asyncio.sleep(TICK)
            self._late = max(0.0, time.monotonic() - began - TICK)
            self.meters.lag.observe(self._late)

    async def _livez(self, _: web.Request) -> web.Response:
        if self._late > STUCK:
            return web.Response(status=503, text=f"the event loop was {self._late:.0f} s late\n")
        return web.Response(text="alive\n")

    async def _readyz(self, _: web.Request) -> web.Response:
        trouble = await self._trouble()
        return web.Response(status=503, text=f"{trouble}\n") if trouble else web.Response(text="ready\n")

    async def _trouble(self) -> str:
        """Return why the part takes no work now, empty when it does; looked up once a second at most."""
        if self._state != "ready" or self._needs is None:
            return self._state
        when, said = self._known
        if time.monotonic() - when >= FRESH:
            said = "; ".join([s for name, ok, s in [await _look("database", self._needs)] if name and not ok])
            self._known = (time.monotonic(), said)
            self.meters.ready.set(0 if said else 1)
        return said

    async def _statusz(self, _: web.Request) -> web.Response:
        trouble = await self._trouble()
        looked = await asyncio.gather(*(_look(name, look) for name, look in self._looks.items()))
        body: dict[str, Any] = {
            "part": self.part,
            "state": self._state,
            "ready": not trouble,
            "trouble": trouble,
            "seconds": round(time.monotonic() - self._began),
            "event_loop_late": round(self._late, 3),
            "services": {name: {"ok": ok, "detail": said} for name, ok, said in looked},
        }
        return web.Response(text=json.dumps(body, indent=2, ensure_ascii=False) + "\n", content_type="application/json")

    async def _metrics(self, _: web.Request) -> web.Response:
        await self._trouble()
        if self._sample:
            with suppress(BotError, TimeoutError):  # what cannot be asked keeps its last value
                async with asyncio.timeout(LOOK):
                    await self._sample()
        return web.Response(body=generate_latest(self.meters.registry), headers={"Content-Type": CONTENT_TYPE_LATEST})


async def _look(name: str, look: Look) -> tuple[str, bool, str]:
    try:
        async with asyncio.timeout(LOOK):
            return name, True, await look()
    except TimeoutError:
        return name, False, f"no answer within {LOOK:.0f} s."
    except BotError as error:
        return name, False, str(error)


def to_bind(bind: str) -> tuple[str, int]:
    """Return host and port of HOST:PORT. SetupError."""
    host, _, port = bind.rpartition(":")
    if not port.isdigit() or int(port) > 65_535:
        raise SetupError(f"VOCERO_OPERATOR_BIND is {bind!r}: write HOST:PORT, such as 127.0.0.1:9464, or off.")
    return host.strip("[]") or "127.0.0.1", int(port)
