"""The small print below an answer, the same on every platform. Pure."""

from collections.abc import Iterable
from typing import Final

from core.messages import Answer, Outcome
from core.phrases import phrase

UNDERSTOOD: Final = 300  # characters of what was understood


def footnotes(answer: Answer, tongue: str, notes: Iterable[str] = ()) -> str:
    """Return what the answer says about itself and the platform adds: what was understood, how it came to be."""
    said = list(dict.fromkeys([*answer.notes, *notes]))
    if answer.outcome is Outcome.EXTRACTIVE and not answer.notes:
        said.insert(0, phrase("extractive", tongue))
    if answer.understood:
        text = answer.understood
        text = text if len(text) <= UNDERSTOOD else text[: UNDERSTOOD - 1].rsplit(" ", 1)[0] + "…"
        said.insert(0, phrase("understood", tongue, text=text))
    return " ".join(said)
