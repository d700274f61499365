"""Several parts of the bot at once: each a process of its own, all ended when one ends or when told to stop."""

import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from types import FrameType
from typing import Final

from core.errors import BotError

DRAIN: Final = 65.0  # seconds for a part to finish what it is doing; each drains in 60
LOOK: Final = 0.2  # seconds between two looks at the parts
_START: Final = "from bots.cli import main; main()"


def run_together(commands: Sequence[Sequence[str]]) -> None:
    """Run `vocero WORDS` for each command until one ends or SIGTERM or Ctrl-C comes; BotError names one that failed."""
    stop: list[int] = []

    def told(number: int, _frame: FrameType | None) -> None:
        stop.append(number)

    before = {s: signal.signal(s, told) for s in (signal.SIGTERM, signal.SIGINT)}
    # a session of their own: Ctrl-C reaches them once, from us
    parts = [subprocess.Popen([sys.executable, "-c", _START, *words], start_new_session=True) for words in commands]
    try:
        while not stop and all(part.poll() is None for part in parts):
            time.sleep(LOOK)
        failed = [" ".join(words) for part, words in zip(parts, commands, strict=True) if part.poll()]
        _end(parts)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for part in parts:
            if part.poll() is None:
                part.kill()
    if failed and not stop:
        raise BotError(f"vocero {failed[0]} ended with an error, so the other parts were stopped too; see above.")


def _end(parts: Sequence["subprocess.Popen[bytes]"]) -> None:
    for part in parts:
        if part.poll() is None:
            part.terminate()
    deadline = time.monotonic() + DRAIN
    for part in parts:
        try:
            part.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            part.kill()
            part.wait()
