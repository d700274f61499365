"""The gate: is what was found good enough to answer from, or is "I don't know" the right answer? Pure.

One figure for every question, from three: the closest passage's cosine, the closest excerpt's, and the share of the
question's content words that the first passages hold. The weights are those of a logistic regression on 430 questions
(the handbook's and a sample of clapnq-dev, half of them unanswerable); there the threshold answers 92 % and 98 % of the
answerable and refuses 65 % and 27 % of the unanswerable, nearly all of those being near misses.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from core.extract import Scored, shared
from core.messages import Passage

EXCERPT_WEIGHT: Final = 0.68  # beside 1.0 for the passage's cosine
WORDS_WEIGHT: Final = 0.27
ENOUGH: Final = 0.95
FLOOR: Final = 0.20  # below this nothing found has to do with the question, whatever words they share
WORDS_ALONE: Final = 0.6  # without an embedder the words decide
_READ: Final = 3  # passages whose words count


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether to answer, and the figure it rests on: `strength` in [-1.7, 2], or a share in [0, 1] without embedder."""

    enough: bool
    strength: float


def judge(question: str, passages: Sequence[Passage], ranked: Sequence[Scored]) -> Verdict:
    """Return whether the passages found are good enough to answer from."""
    if not passages or not ranked:
        return Verdict(False, 0.0)
    share = shared(question, "\n".join(f"{p.title} {' '.join(p.path)} {p.text}" for p in passages[:_READ]))
    cosines = [p.cosine for p in passages if p.cosine is not None]
    if not cosines:
        return Verdict(share >= WORDS_ALONE, share)
    close, excerpt = max(cosines), ranked[0].cosine
    strength = close + EXCERPT_WEIGHT * excerpt + WORDS_WEIGHT * share
    return Verdict(strength >= ENOUGH and max(close, excerpt) >= FLOOR, strength)
