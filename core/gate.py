"""The gate: is what was found good enough to answer from, or is "I don't know" the right answer? Pure.

One figure for every question, from four: how near the closest passage is (the mean of the question's wordings), how far
it stands out from the others found, how close the closest excerpt is by itself, without its title, and which share of
the question's content words the first passages hold. The weights are a logistic regression's; docs/abstention.md says
on what it was fitted, what it reaches and what was tried in vain.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from core.bar import DEFAULT, Bar
from core.extract import Scored, shared
from core.messages import Passage

FLOOR: Final = 0.20  # below this cosine nothing found has to do with the question, whatever words they share
WORDS_ALONE: Final = 0.6  # without an embedder the words decide
_USUAL: Final = 8  # passages that the weights were fitted with
_READ: Final = 3  # passages whose words count
_WEIGHTS: Final = (2.4, 3.8, 6.4, 0.6)
_BIAS: Final = -6.2


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether to answer, and the figure it rests on, in [0, 1]: near a probability, or a share of words."""

    enough: bool
    strength: float


def judge(
    question: str,
    passages: Sequence[Passage],
    ranked: Sequence[Scored],
    *,
    near: float | None = None,
    bar: Bar = DEFAULT,
) -> Verdict:
    """Return whether the passages found are good enough to answer from; `near` None is the closest passage's cosine."""
    if not passages or not ranked:
        return Verdict(False, 0.0)
    share = shared(question, "\n".join(f"{p.title} {' '.join(p.path)} {p.text}" for p in passages[:_READ]))
    cosines = sorted((p.cosine for p in passages if p.cosine is not None), reverse=True)
    if not cosines:
        return Verdict(share >= WORDS_ALONE, share)
    # a workspace of one document has nothing to stand out from: what is missing counts as far off
    close, others = cosines[0], [*cosines[1:], *[FLOOR] * (_USUAL - len(cosines))]
    # where the excerpts could not be embedded, the passage stands for its best one
    alone = max(scored.alone for scored in ranked) or close
    seen = (close if near is None else near, close - sum(others) / len(others), alone, share)
    strength = 1 / (1 + math.exp(-_BIAS - sum(w * x for w, x in zip(_WEIGHTS, seen, strict=True))))
    return Verdict(strength >= bar.least and max(close, alone) >= FLOOR, strength)
