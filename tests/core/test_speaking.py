"""From tokens to sentences that may be shown."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from core.grounding import STRICT, Guard
from core.messages import Arm, Mode, Outcome
from core.ports import Shelf
from core.speaking import Draft, checked, whole
from core.watch import Watch
from core.words import content
from tests.core.passages import passage

FACTS = (
    passage("Refunds are paid within 14 days."),
    passage("Refunds go to the card that was used. The hire desk signs them.", n=2),
)


async def tokens(text: str, size: int) -> AsyncIterator[str]:
    """Yield a text in pieces of so many characters, as a model would."""
    for start in range(0, len(text), size):
        yield text[start : start + size]


def draft(arm: Arm = Arm.RAG) -> Draft:
    """Return a draft about refunds."""
    question = "How long do refunds take?"
    return Draft(
        question=question,
        arm=arm,
        adapter=None,
        language="en",
        passages=FACTS,
        shown=FACTS[:2],
        quotation="“Quoted.” [1]",
    )


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
async def test_sentences_arrive_whole_however_they_are_cut(size: int) -> None:
    """Token borders never change what the sentences are, nor tear a citation from its sentence."""
    text = "Paid in 14 days. [1] To the card [2].\n- an item\nThe end"
    found = [s async for s in whole(tokens(text, size), Watch())]
    assert found == ["Paid in 14 days. [1]", "To the card [2].", "- an item"]


@pytest.mark.parametrize("size", [1, 5, 1000])
async def test_what_is_shown_is_what_the_answer_says(size: int) -> None:
    """Pieces joined are the final text, citations numbered in order of use; what is unsupported is left out."""
    made = draft()
    text = "Refunds go to the card that was used [2]. They take 99 days [1]. Refunds are paid within 14 days [1]."
    shown = [piece async for piece in checked(tokens(text, size), made, STRICT, Watch())]
    answer = made.finished("m")
    assert "".join(shown) == answer.text
    assert answer.text == "Refunds go to the card that was used. [1] Refunds are paid within 14 days. [2]"
    assert [c.document for c in answer.citations] == ["d2", "d1"]
    assert (answer.outcome, answer.mode, answer.model) == (Outcome.ANSWERED, Mode.GUARDED, "m")


@pytest.mark.parametrize("size", [1, 1000])
async def test_what_a_small_model_leaves_out_is_quoted_after_it(size: int) -> None:
    """It has the documents' facts, said or quoted, and none of them twice; alone it has no quotation."""
    made = draft()
    made.gist = "Refunds are paid within 14 days."
    made.rest = (
        (made.gist, "“Refunds are paid within 14 days.” [1]"),
        ("Refunds go to the card that was used.", "“Refunds go to the card that was used.” [2]"),
    )
    said = tokens("Refunds are paid within 14 days [1]. Tally-ho!", size)
    shown = [piece async for piece in checked(said, made, Guard(1.0, voice=frozenset(content("Tally-ho"))), Watch())]
    answer = made.finished("m")
    assert "".join(shown) == answer.text
    said_first = "Refunds are paid within 14 days. [1] Tally-ho!"
    assert answer.text == f"{said_first}\n“Refunds go to the card that was used.” [2]"
    assert [c.document for c in answer.citations] == ["d1", "d2"]
    alone = replace(draft(), gist=made.gist, rest=made.rest)
    assert [p async for p in checked(tokens("It takes a month.", size), alone, STRICT, Watch())] == []
    assert alone.finished("m").text == "“Quoted.” [1]"


async def test_when_nothing_stands_the_documents_are_quoted() -> None:
    """A text without one supported sentence leaves the quotation, and says why."""
    made = draft()
    assert [p async for p in checked(tokens("It takes a lunar month. Trust me.", 4), made, STRICT, Watch())] == []
    answer = made.finished("m")
    assert (answer.outcome, answer.text, answer.model) == (Outcome.EXTRACTIVE, "“Quoted.” [1]", None)
    assert answer.notes


async def test_a_model_that_declines_is_believed_at_once() -> None:
    """Nothing after NO ANSWER is read."""
    made = draft()
    text = "NO ANSWER. Refunds are paid within 14 days [1]."
    assert [p async for p in checked(tokens(text, 3), made, STRICT, Watch())] == []
    assert made.declined
    assert made.abstained(Shelf(editions=(), chunks=2)).outcome is Outcome.ABSTAINED


async def test_a_greeting_is_shown_with_the_first_claim_never_alone() -> None:
    """Words that claim nothing wait for one that does."""
    guard = Guard(1.0, frozenset({"kettl"}))
    made = draft()
    shown = [p async for p in checked(tokens("Kettle's on! Refunds are paid within 14 days.", 3), made, guard, Watch())]
    assert shown == ["Kettle's on! Refunds are paid within 14 days. [1]"]
    made = draft()
    assert [p async for p in checked(tokens("Kettle's on! How long refunds take!", 3), made, guard, Watch())] == []


async def test_a_model_that_repeats_itself_is_stopped() -> None:
    """The second time ends the generation; the question said again is not even a first time."""
    made = draft()
    text = "How long refunds take. " + "Refunds are paid within 14 days. " * 3 + "Refunds go to the card that was used."
    shown = [p async for p in checked(tokens(text, 3), made, STRICT, Watch())]
    assert shown == ["Refunds are paid within 14 days. [1]"]


async def test_a_model_that_dies_takes_back_what_it_said() -> None:
    """Half an answer is none: the final text is the quotation."""
    made = draft()
    assert [p async for p in checked(tokens("Refunds are paid within 14 days. More", 3), made, STRICT, Watch())]
    made.model_down("it was cut off.")
    answer = made.finished("m")
    assert (answer.outcome, answer.text) == (Outcome.EXTRACTIVE, "“Quoted.” [1]")
    assert "it was cut off" in answer.notes[0]


async def test_a_small_model_that_says_something_else_is_not_heard() -> None:
    """What is grounded but not what the closest excerpt says waits for that; if that never comes, it is quoted."""
    text = "Refunds go to the card that was used. Refunds are paid within 14 days."
    made = replace(draft(), gist="Refunds are paid within 14 days.")
    shown = [p async for p in checked(tokens(text, 3), made, STRICT, Watch())]
    assert "".join(shown).startswith("Refunds go to the card")
    assert "14 days" in "".join(shown)
    made = replace(draft(), gist="Refunds are paid within 14 days.")
    other = tokens("Refunds go to the card that was used.", 3)
    assert [p async for p in checked(other, made, STRICT, Watch())] == []
    assert made.finished("m").outcome is Outcome.EXTRACTIVE
