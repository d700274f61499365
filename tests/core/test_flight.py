"""Single flight and the key that decides which questions are equal."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace

from core.audience import to_audience
from core.cache import to_key
from core.flight import Flights
from core.messages import Answer, Arm, Done, Event, Outcome, Piece, Question
from core.ports import Shelf


class Generation:
    """A generation that counts its runs and waits to be let go."""

    def __init__(self) -> None:
        self.runs = 0
        self.go = asyncio.Event()

    async def write(self) -> AsyncGenerator[Event]:
        """Yield a piece, wait, yield the end."""
        self.runs += 1
        run = self.runs
        yield Piece("first")
        await self.go.wait()
        yield Done(Answer(text=f"run {run}", outcome=Outcome.ANSWERED))


async def ask(flights: Flights, generation: Generation, key: str = "k") -> list[Event]:
    """Return all events of one asker."""
    async with aclosing(flights.join(key, generation.write)) as events:
        return [event async for event in events]


async def test_200_equal_questions_make_one_generation() -> None:
    """The first leads and sees the pieces, the others get the same end only."""
    flights, generation = Flights(), Generation()
    askers = [asyncio.create_task(ask(flights, generation)) for _ in range(200)]
    await asyncio.sleep(0.01)
    generation.go.set()
    seen = await asyncio.gather(*askers)
    assert generation.runs == 1
    assert sorted(len(events) for events in seen) == [1] * 199 + [2]
    assert {e.answer.text for events in seen for e in events if isinstance(e, Done)} == {"run 1"}


async def test_when_the_leader_leaves_a_follower_leads_anew() -> None:
    """A cancelled leader takes nobody down: the next in line generates once more."""
    flights, generation = Flights(), Generation()
    leader = asyncio.create_task(ask(flights, generation))
    await asyncio.sleep(0)
    followers = [asyncio.create_task(ask(flights, generation)) for _ in range(3)]
    await asyncio.sleep(0.01)
    leader.cancel()
    await asyncio.sleep(0.01)
    generation.go.set()
    seen = await asyncio.gather(*followers)
    assert generation.runs == 2
    assert all(isinstance(events[-1], Done) and events[-1].answer.text == "run 2" for events in seen)


async def test_different_questions_fly_apart() -> None:
    """Another key is another generation."""
    flights, generation = Flights(), Generation()
    generation.go.set()
    await asyncio.gather(ask(flights, generation, "a"), ask(flights, generation, "b"))
    assert generation.runs == 2


def test_everything_that_could_change_an_answer_changes_its_key() -> None:
    """Workspace, audience, edition, arm, adapter, model and question each make another key; spelling does not."""
    question = Question(text="How long do refunds take?")
    shelf = Shelf(editions=(("general", 3),), chunks=9)
    base = to_key(question, question.text, shelf, Arm.RAG, None, "m")
    others = [
        to_key(replace(question, workspace="slack/T1"), question.text, shelf, Arm.RAG, None, "m"),
        to_key(replace(question, audience=to_audience(["channel:C1"])), question.text, shelf, Arm.RAG, None, "m"),
        to_key(question, question.text, replace(shelf, editions=(("general", 4),)), Arm.RAG, None, "m"),
        to_key(question, question.text, shelf, Arm.HYBRID, None, "m"),
        to_key(question, question.text, shelf, Arm.RAG, "brand", "m"),
        to_key(question, question.text, shelf, Arm.RAG, None, "other"),
        to_key(question, "How long do exchanges take?", shelf, Arm.RAG, None, "m"),
    ]
    assert len({base, *others}) == 8
    assert to_key(question, "  how LONG do refunds\ttake ", shelf, Arm.RAG, None, "m") == base
