"""Exactly once, smaller than `python -m tests.benchmarks.once`: thrice delivered, killed, frozen, replaced."""

import pytest

from tests.benchmarks import once, replica

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
once._FORKS.set_forkserver_preload([replica.__name__])


async def test_every_event_three_times_is_one_answer() -> None:
    """To any of three replicas, both events of each mention."""
    figures = await once.thrice(60)
    assert once.wrong(figures) == [], figures
    assert figures["answered"] == figures["asked"] == 60


async def test_killed_and_frozen_processes_answer_once() -> None:
    """No question is lost or doubled, and no placeholder stays."""
    figures = await once.crashes(60, kills=8, freezes=3)
    assert once.wrong(figures) == [], figures
    assert figures["answered"] >= 50  # one that no living process acknowledged is Slack's to deliver again


async def test_a_rolling_restart_loses_and_doubles_nothing() -> None:
    """Each process is replaced under load and ends with 0 within its grace."""
    figures = await once.rolling(48, 1)
    assert once.wrong(figures) == [], figures
    assert figures["answered"] == figures["asked"]
