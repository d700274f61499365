"""What a small model says, and what the documents say beside it."""

from contextlib import aclosing
from typing import Any

from core.bot import Bot
from core.messages import Answer, Arm, Done, Mode, Question
from tests.fakes.brain import Brain, Script, brain, taught


def small(**given: Any) -> Bot:
    """Return a bot whose model does not choose what it says."""
    return Bot(**{**given, "voiced": False})


async def ask(known: Brain, text: str) -> Answer:
    """Ask the arm in which the model speaks."""
    async with aclosing(known.bot.answer(Question(text=text, workspace="local", arm=Arm.RAG))) as events:
        return [event.answer async for event in events if isinstance(event, Done)][-1]


async def test_where_documents_disagree_the_side_that_was_not_said_is_quoted() -> None:
    """A small model says the one that comes closest; the reader still has both, and a note which is the newer."""
    texts = {"old.md": "Refunds are paid within 14 days.", "new.md": "Refunds are paid within 30 days."}
    speaker = Script({"refunds": "Refunds are paid within 14 days."})
    answer = await ask(await taught(brain(speaker=speaker, bot=small), texts), "When are refunds paid?")
    assert answer.mode is Mode.GUARDED
    said, quoted = answer.text.split("\n")
    assert said.startswith("Refunds are paid within 14 days. [")
    assert quoted.startswith("“Refunds are paid within 30 days.” [")
    assert len(answer.citations) == 2
    assert len(answer.notes) == 1
