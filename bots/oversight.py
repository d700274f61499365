"""What every part that runs shows its operators: the port, the metrics behind it, and the traces."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from infra.heap import trimmed
from infra.settings import Settings
from infra.telemetry.http import to_trace_config
from infra.telemetry.meters import Meters
from infra.telemetry.observed import ObservedHandler, Telemetry
from infra.telemetry.port import OFF, Look, Port, to_bind
from infra.telemetry.traces import open_traces

if TYPE_CHECKING:
    import aiohttp

    from bots.wiring import Vocero
    from core.reception import Handler

PARTS: Final = ("slack", "discord", "console", "worker")  # each has the port of its place in this row
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Oversight:
    """The watching of one part; without a port (`off`) it still counts and traces."""

    telemetry: Telemetry
    port: Port | None

    def open(self, vocero: "Vocero", needs: Look | None = None) -> None:
        """Say that the part works; `needs` is what it needs beside the database."""

        async def all_needs() -> str:
            await vocero.health["database"]()
            return await needs() if needs else ""

        if self.port:
            self.port.open(needs=all_needs, looks=vocero.health, sample=vocero.sample)

    def close(self) -> None:
        """Say that the part stops."""
        if self.port:
            self.port.close()

    def handler(self, handler: "Handler") -> "Handler":
        """Return the handler of a platform's deliveries, watched."""
        return ObservedHandler(handler, self.telemetry)

    def calls(self, platform: str, base: str) -> "aiohttp.TraceConfig":
        """Return what a session to a platform's API is opened with."""
        return to_trace_config(platform, base, self.telemetry.meters, self.telemetry.traces)


def blind() -> Oversight:
    """Return what watches for nobody."""
    return Oversight(Telemetry(Meters(), open_traces(None, "nobody")), None)


@asynccontextmanager
async def overseen(settings: Settings, part: str, *, say: Say) -> AsyncIterator[Oversight]:
    """Watch a part for the block; the port answers from now on. SetupError."""
    meters = Meters(part)
    traces = open_traces(settings.otel_endpoint, part, content=settings.trace_content)
    telemetry = Telemetry(meters, traces)
    try:
        async with trimmed():
            if settings.operator_bind == OFF:
                yield Oversight(telemetry, None)
                return
            host, first = to_bind(settings.operator_bind)
            bind = f"{host}:{first + PARTS.index(part) if first else 0}"
            given = "operator_bind" in settings.model_fields_set
            async with Port(part, bind, meters, given=given) as port:
                say(f"For operators: {port.address}/statusz")
                yield Oversight(telemetry, port)
    finally:
        traces.close()
