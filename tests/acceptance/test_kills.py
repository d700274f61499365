"""A server dies in the middle of an answer: the answer ends in a sentence all the same, and the next question works."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from pathlib import Path

import psutil
import pytest

from bots.wiring import Vocero, open_vocero
from core.documents import Place, State, to_pasted
from core.messages import Answer, Arm, Done, Event, Outcome, Question, Status
from infra.settings import read_settings

pytestmark = pytest.mark.slow

TEXT = "# Hours\n\nThe hire desk opens at 9:30 on Saturdays. The workshop opens at 8:15 on weekdays."
ASKED = "When does the hire desk open on Saturdays?"
# What each server's command line shows; the supervisor's names none of them.
MARKS = {"postgres": "bin/postgres", "redis": "redis-server", "model": "model_server"}


@pytest.fixture(scope="module")
async def opened(home: Path) -> AsyncIterator[Vocero]:
    """Return a bot that lives through the kills, as `vocero run` does."""
    async with open_vocero(read_settings(home=home), say=lambda _: None) as vocero:
        learned = await vocero.bot.learn(to_pasted(TEXT), Place(workspace="kills"))
        assert learned.state is State.INDEXED
        yield vocero


def kill(home: Path, server: str) -> None:
    """Kill -9 the home's server."""
    keeper = psutil.Process(int(next(iter(_supervisors(home)))))
    victims = [c for c in keeper.children() if any(MARKS[server] in word for word in c.cmdline())]
    assert victims, f"no {server} runs below the supervisor"
    for victim in victims:
        victim.kill()


def _supervisors(home: Path) -> list[int]:
    return [
        p.pid
        for p in psutil.process_iter(["cmdline"])
        if "infra.embedded.supervisor" in (p.info["cmdline"] or []) and str(home) in (p.info["cmdline"] or [])
    ]


async def ask(vocero: Vocero, at: str, do: Callable[[], None], arm: Arm | None = None) -> Answer:
    """Ask anew, do something when a stage begins, and return the answer."""
    question = Question(text=ASKED, workspace="kills", arm=arm, cached=False, conversation="c1")
    events: list[Event] = []
    done = not at
    async with aclosing(vocero.bot.answer(question)) as stream:
        async for event in stream:
            events.append(event)
            if event == Status(at) and not done:
                do()
                done = True
    assert done, f"the answer never came to {at}"
    assert isinstance(events[-1], Done)
    return events[-1].answer


async def recovered(vocero: Vocero) -> Answer:
    """Return the first answer after a kill that is right; the supervisor needs a moment."""
    answer = await ask(vocero, "", lambda: None)
    for _ in range(100):
        if answer.outcome is Outcome.EXTRACTIVE:
            break
        await asyncio.sleep(0.1)
        answer = await ask(vocero, "", lambda: None)
    return answer


async def test_the_model_dies_while_it_writes(opened: Vocero, home: Path) -> None:
    """The answer is quoted instead and says why; when the model is back it may write again."""
    answer = await ask(opened, "writing", lambda: kill(home, "model"), Arm.RAG)
    assert any("language model is not answering" in note for note in answer.notes)
    assert answer.outcome is Outcome.EXTRACTIVE
    assert "9:30" in answer.text
    assert "9:30" in (await recovered(opened)).text


@pytest.mark.parametrize("stage", ["recalling", "searching"])
async def test_redis_dies_in_the_middle(opened: Vocero, home: Path, stage: str) -> None:
    """Without cache and memory the answer is the same."""
    answer = await ask(opened, stage, lambda: kill(home, "redis"))
    assert answer.outcome is Outcome.EXTRACTIVE
    assert "9:30" in answer.text


@pytest.mark.parametrize("stage", ["recalling", "searching"])
async def test_postgres_dies_in_the_middle(opened: Vocero, home: Path, stage: str) -> None:
    """The answer comes or fails in a sentence with a remedy; nothing learned is lost and the next question works."""
    answer = await ask(opened, stage, lambda: kill(home, "postgres"))
    assert answer.outcome in (Outcome.EXTRACTIVE, Outcome.FAILED)
    assert answer.text.endswith((".", "]"))
    assert "9:30" in (await recovered(opened)).text
    assert [d.state for d in await opened.librarian.documents("kills")] == [State.INDEXED]
