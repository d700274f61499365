"""The operator's port: alive from the start, ready when it can work, and saying why not."""

import asyncio
import json
import sys

import aiohttp
import pytest

from core.errors import KnowledgeDown, SetupError
from infra.telemetry.meters import Meters
from infra.telemetry.port import Port, to_bind
from infra.telemetry.traces import open_traces


class Service:
    """Something that a part stands on."""

    def __init__(self) -> None:
        self.trouble = ""

    async def look(self) -> str:
        if self.trouble:
            raise KnowledgeDown(self.trouble)
        return "it answers"

    async def sample(self) -> None:
        await self.look()


async def got(port: Port, path: str) -> tuple[int, str]:
    """Return code and text."""
    async with aiohttp.ClientSession() as session, session.get(port.address + path) as response:
        return response.status, await response.text()


async def test_a_part_is_alive_before_it_is_ready_and_says_when_it_stops() -> None:
    """Starting, ready, in trouble, stopping: each with its reason, while /livez stays 200."""
    service = Service()
    async with Port("slack", "127.0.0.1:0", Meters("slack")) as port:
        assert await got(port, "/livez") == (200, "alive\n")
        assert await got(port, "/readyz") == (503, "starting\n")
        port.open(needs=service.look, looks={"database": service.look}, sample=service.sample)
        assert await got(port, "/readyz") == (200, "ready\n")
        service.trouble, port._known = "The database is away: start it.", (-9.0, "")
        assert await got(port, "/readyz") == (503, "The database is away: start it.\n")
        assert (await got(port, "/livez"))[0] == 200
        told = json.loads((await got(port, "/statusz"))[1])
        assert told["services"]["database"] == {"ok": False, "detail": "The database is away: start it."}
        assert not told["ready"]
        port.close()
        assert await got(port, "/readyz") == (503, "stopping\n")


async def test_metrics_come_even_when_the_database_is_away() -> None:
    """A scrape is answered with what is known."""
    service = Service()
    service.trouble = "away"
    async with Port("worker", "127.0.0.1:0", Meters("worker")) as port:
        port.open(needs=service.look, looks={}, sample=service.sample)
        code, text = await got(port, "/metrics")
    assert code == 200
    assert 'vocero_up{part="worker"' in text
    assert "vocero_ready 0.0" in text


async def test_a_blocked_event_loop_shows() -> None:
    """Lateness is measured; a process that was stuck says so until the next tick."""
    meters = Meters("slack")
    async with Port("slack", "127.0.0.1:0", meters) as port:
        await asyncio.sleep(0.3)
        port._late = 9.0
        assert await got(port, "/livez") == (503, "the event loop was 9 s late\n")
        assert meters.registry.get_sample_value("vocero_eventloop_lag_seconds_count") >= 1


async def test_a_taken_port_is_an_error_only_for_who_chose_it() -> None:
    """The default gives way to any free port; a chosen one is named with the remedy."""
    async with Port("slack", "127.0.0.1:0", Meters()) as first:
        taken = first.address.removeprefix("http://")
        async with Port("slack", taken, Meters(), given=False) as second:
            assert second.address != first.address
        with pytest.raises(SetupError, match="VOCERO_OPERATOR_BIND to another HOST:PORT, or to off"):
            await Port("slack", taken, Meters()).__aenter__()


@pytest.mark.parametrize("bind", ["here", "127.0.0.1:http", "127.0.0.1:99999"])
def test_a_wrong_address_is_named(bind: str) -> None:
    """The sentence says how to write it."""
    with pytest.raises(SetupError, match=r"write HOST:PORT, such as 127\.0\.0\.1:9464, or off"):
        to_bind(bind)


def test_traces_without_what_sends_them_say_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """An endpoint without the extra is an error at the start, with the remedy, and not silence."""
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    with pytest.raises(SetupError, match=r"pip install 'vocero\[traces\]', or unset it"):
        open_traces("http://127.0.0.1:9", "slack")
