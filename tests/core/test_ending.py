"""Tasks end, also those that lose a cancellation."""

import asyncio

import pytest

from core import ending, flight
from core.ending import end
from core.messages import Answer, Done, Outcome


async def deaf(times: int) -> None:
    """Lose so many cancellations, as a driver may that waits with a timeout."""
    while True:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            times -= 1
            if times < 0:
                raise


async def test_a_lost_cancellation_is_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    """All have ended when it returns, one that failed among them."""
    monkeypatch.setattr(ending, "AGAIN", 0.05)

    async def fail() -> None:
        raise ZeroDivisionError

    tasks = [asyncio.create_task(deaf(0)), asyncio.create_task(deaf(2)), asyncio.create_task(fail())]
    await asyncio.sleep(0)
    async with asyncio.timeout(5):
        await end(*tasks)
    assert all(task.done() for task in tasks)


class Swallowing:
    """`Leases` whose sign of life loses the cancellation that comes during it."""

    async def take(self, workspace: str, key: str, token: str) -> str:
        return token

    async def hold(self, workspace: str, key: str, token: str) -> None:
        try:
            await asyncio.sleep(0.2)
        except asyncio.CancelledError:
            return

    async def land(self, workspace: str, key: str, token: str, answer: Answer | None) -> None:
        """Nobody follows."""

    async def landed(self, workspace: str, key: str, leader: str) -> Answer | None:
        return None


async def test_an_answer_ends_though_its_sign_of_life_heard_no_cancellation(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is given at once, not at the next cancellation, and never not at all."""
    monkeypatch.setattr(flight, "BEAT", 0.05)

    async def write():  # type: ignore[no-untyped-def]
        await asyncio.sleep(0.1)  # the end falls into a sign of life
        yield Done(Answer(text="yes", outcome=Outcome.ANSWERED))

    async with asyncio.timeout(2):
        events = [event async for event in flight.Flights(Swallowing()).join("key", write)]
    assert [event.answer.text for event in events if isinstance(event, Done)] == ["yes"]
