"""The simulation loses nobody, repeats itself, and knows the limits that it was given."""

from dataclasses import replace

import pytest

from tests.benchmarks.herd import ALL_HANDS, TENANTS, World

SMALL = replace(TENANTS, n=2_000, seconds=10, channels=1_000)


@pytest.mark.parametrize("scene", [ALL_HANDS, SMALL], ids=["all hands", "tenants"])
def test_everybody_is_answered_once(scene: object) -> None:
    """As many posts as questions, never more generations than questions, and the same again with the same seed."""
    told = World(scene).told()  # type: ignore[arg-type]
    assert told.answered == scene.n  # type: ignore[attr-defined]
    assert told.generations <= scene.n  # type: ignore[attr-defined]
    assert told == World(scene).told()  # type: ignore[arg-type]


def test_one_channel_takes_a_message_a_second_whatever_we_build() -> None:
    """500 answers in one channel take 500 seconds, with any number of replicas and GPUs."""
    for scene in (ALL_HANDS, replace(ALL_HANDS, replicas=20, gpus=20)):
        told = World(scene).told()
        assert told.busiest == "channel"
        assert told.last == pytest.approx(500 - 60, abs=15)


def test_too_few_gpus_or_replicas_show_as_waiting() -> None:
    """Half of what is needed is slower, and the simulation says what was full."""
    enough = World(replace(SMALL, gpus=24, replicas=40)).told()
    starved = World(replace(SMALL, gpus=8, replicas=40)).told()
    cramped = World(replace(SMALL, gpus=24, replicas=8)).told()
    assert starved.posted_p95 > 2 * enough.posted_p95
    assert starved.busiest == "prefill"
    assert cramped.posted_p95 > 2 * enough.posted_p95
    assert cramped.busiest == "replicas"
