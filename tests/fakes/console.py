"""The console on a fake brain: `python -m tests.fakes.console [--port PORT] [--starting SECONDS] [--token TOKEN]`."""

import argparse
import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from pathlib import Path

from adapters.console.desk import Desk
from bots.console import serve_desk
from tests.fakes.brain import Brain, Script, brain, taught

ROOT = Path(__file__).parents[2]
EXAMPLES = (
    "When are refunds paid?",
    "What does it cost to have a tent reproofed?",
    "Do you deliver to the Moon?",
)
TEXTS = {
    "refund-policy.md": """# Refund policy

Wrenfold Canvas wants every tent to be the right one. You may send back an unused tent within 45 days.

## How refunds are paid

Refunds are paid within 5 working days of the tent reaching our workshop. They go back to the card that was used.
For tents bought as a gift we pay a voucher instead. Return postage is free inside the country.
""",
    "price-list.md": """# Price list

## Workshop

| Work | Price | Takes |
| --- | --- | --- |
| Reproofing a tent up to 4 m | 85 € | 8 days |
| Reproofing a tent over 4 m | 120 € | 10 days |
| New zip | 40 € | 3 days |
""",
    "warranty.md": "# Warranty\n\nEvery seam is under warranty for 6 years. Poles are under warranty for 2 years.\n",
    "opening-hours.md": "# Opening hours\n\nThe workshop is open from 9 to 17 on weekdays and closed on Sundays.\n",
}
EVIL = '<img src=x onerror="window.hit=1"><script>window.hit=2</script>[go](javascript:window.hit=3)'
LINES = {
    "zebra": f"The zebra secret is {EVIL} [1].",
    "refund": "Kettle's on! Refunds are paid within 5 working days of the tent reaching our workshop [1]. "
    "They go back to the card that was used [1]. For tents bought as a gift we pay a voucher instead [1].",
    "pole": "Poles are under warranty for 2 years [1].",
    "seam": "Every seam is under warranty for 6 years [1].",
}
WEB = {"https://wrenfold.example/care": "# Caring for canvas\n\nDry canvas before packing. Mildew takes two days.\n"}


@asynccontextmanager
async def opened(say: Callable[[str], None], *, starting: float = 0.0, pause: float = 0.12) -> AsyncIterator[Brain]:
    """Open a taught brain, slowly if asked to."""
    for step in ("starting the database", "starting the language model"):
        say(step)
        await asyncio.sleep(starting / 2)
    notes = ("The database runs on this machine, for this account only.",)
    vocero = await taught(brain(speaker=Script(LINES, pause, name="the language model"), web=WEB, notes=notes), TEXTS)
    vocero.librarian.seconds = 10 * pause
    for room, label in (("C1", "#people"), ("C2", "#travel")):
        await vocero.rooms.change("local", f"slack/T1/{room}", "quiet", "off", by="slack/T1/U1", label=label)
    yield vocero


def free_port() -> int:
    """Return a port that nothing uses now."""
    with closing(socket.socket()) as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def clean() -> dict[str, str]:
    """Return the environment without what a test run puts there."""
    return {k: v for k, v in os.environ.items() if not k.startswith(("NICEGUI", "PYTEST"))}


FAKE = ("-W", "error", "-m", "tests.fakes.console")
REAL = ("-c", "from bots.cli import main; main()", "run", "console")


class Running:
    """The console in its own process, on the fake brain unless another command is given."""

    def __init__(self, *arguments: str, command: tuple[str, ...] = FAKE) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        command = (sys.executable, *command, "--port", str(self.port), *arguments)
        self.process = subprocess.Popen(
            command, cwd=ROOT, env=clean(), text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )

    def __enter__(self) -> "Running":
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.startswith("The console is on"):
                assert line == f"The console is on {self.url} (Ctrl-C ends it).\n"
                return self
        raise AssertionError(self.process.communicate())

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()

    def end(self, number: signal.Signals) -> tuple[int, float, str]:
        """Send a signal; return the exit code, the seconds it took, and standard error."""
        begun = time.monotonic()
        self.process.send_signal(number)
        _, errors = self.process.communicate(timeout=10)
        return self.process.returncode, time.monotonic() - begun, errors


def main() -> None:
    """Serve until told to stop."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=8321)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--starting", type=float, default=0.0)
    parser.add_argument("--pause", type=float, default=0.12)
    parser.add_argument("--token", default="")
    given = parser.parse_args()
    serve_desk(
        Desk(workspace="local", examples=EXAMPLES),
        lambda say: opened(say, starting=given.starting, pause=given.pause),
        host=given.host,
        port=given.port,
        token=given.token,
    )


if __name__ == "__main__":
    main()
