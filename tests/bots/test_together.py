"""Several parts at once."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
import pytest

from bots.together import run_together
from core.errors import BotError

pytestmark = pytest.mark.slow


def children() -> list[psutil.Process]:
    """Return this process's children."""
    return [c for c in psutil.Process().children() if c.status() != psutil.STATUS_ZOMBIE]


@contextmanager
def waiting_input() -> Iterator[None]:
    """Give this process and its children a standard input that says nothing and does not end."""
    before, (reading, writing) = os.dup(0), os.pipe()
    os.dup2(reading, 0)
    try:
        yield
    finally:
        os.dup2(before, 0)
        for descriptor in (before, reading, writing):
            os.close(descriptor)


def test_when_one_part_fails_the_others_are_stopped_and_it_is_named(capfd: pytest.CaptureFixture[str]) -> None:
    """A part that cannot start takes the rest down with its reason, and leaves no process behind."""
    before = {c.pid for c in children()}
    with pytest.raises(BotError, match="vocero run teapot ended with an error"):
        run_together([["run", "console", "--port", "1"], ["run", "teapot"]][::-1])
    assert "'teapot' is no part of the bot" in capfd.readouterr().err
    assert {c.pid for c in children()} <= before


def test_told_to_stop_it_stops_every_part() -> None:
    """SIGTERM ends all parts and counts as a success."""
    before = {c.pid for c in children()}
    started: list[int] = []

    def later() -> None:
        while not started:
            started.extend(c.pid for c in children() if c.pid not in before)
            time.sleep(0.02)
        os.kill(os.getpid(), signal.SIGTERM)

    thread = threading.Thread(target=later)
    thread.start()
    with waiting_input():
        run_together([["ask", "-"], ["ask", "-"]])
    thread.join()
    assert started
    assert {c.pid for c in children()} <= before
