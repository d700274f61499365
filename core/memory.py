"""What a conversation's past brings to its next question: the last turns whole, what came before in a few words. Pure.

The summary is made anew from the turns each time, so that whatever is forgotten is gone from it, too.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from core.messages import Turn
from core.words import sentences

TURNS: Final = 24  # looked back at; what lies before is no longer what anyone means by "it"
CHARACTERS: Final = 2_000  # kept of one turn; what follows is not needed to understand the next question
TOKENS: Final = 1_200  # of whole turns: a small model's context is 2,048 and the passages need the larger part
SUMMARY_TOKENS: Final = 200
CLAUSE: Final = 160  # characters of a question or an answer in the summary
KEEP_DAYS: Final = 30.0
_BYTES: Final = 4  # a token; so English is counted right and other scripts too high rather than too low
_MARKS = re.compile(r"\s*\[\d+\]")


@dataclass(frozen=True, slots=True)
class Kept:
    """A turn with what forgetting finds it by: who asked, and the documents that the answer cites or names."""

    turn: Turn
    user: str = ""
    documents: tuple[str, ...] = ()


def tokens(text: str) -> int:
    """Return about how many tokens a text has, for any model."""
    return -(-len(text.encode("utf-8", "replace")) // _BYTES)


def window(turns: Sequence[Turn], *, budget: int = TOKENS, summary: int = SUMMARY_TOKENS) -> tuple[Turn, ...]:
    """Return the newest turns that fit the budget, oldest first, behind one `summary` turn of what fell out."""
    begin, spent = len(turns), 0
    while begin and spent + tokens(turns[begin - 1].text) <= budget:
        begin -= 1
        spent += tokens(turns[begin].text)
    while begin < len(turns) and turns[begin].who == "bot":  # an answer without its question says little
        begin += 1
    before = _summary(turns[:begin], summary)
    return (*((before,) if before else ()), *turns[begin:])


def _summary(turns: Sequence[Turn], budget: int) -> Turn | None:
    """Return each question with the first sentence of its answer, the newest that fit; None for nothing."""
    exchanges: list[str] = []
    for turn in turns:
        if turn.who == "user":
            exchanges.append(_clause(turn))
        elif exchanges:
            exchanges[-1] += f" → {_clause(turn)}"
    kept: list[str] = []
    for exchange in reversed(exchanges):
        if tokens(" · ".join([exchange, *kept])) > budget:
            break
        kept.insert(0, exchange)
    return Turn(who="summary", text=" · ".join(kept)) if kept else None


def _clause(turn: Turn) -> str:
    said = _MARKS.sub("", turn.meant or turn.text)
    first = next(iter(sentences(" ".join(said.split()))), "")
    return first if len(first) <= CLAUSE else f"{first[: CLAUSE - 1].rsplit(' ', 1)[0]}…"
