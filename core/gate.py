"""The gate: is what was found good enough to answer from, or is "I don't know" the right answer? Pure.

One scale for every question: how close the best excerpt or passage comes (cosine), and how many of the question's
content words the first passages hold. Both are needed: cosine alone lets near misses through ("the Wi-Fi password"
finds "the office Wi-Fi"), words alone refuse every paraphrase.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from core.extract import Scored, shared
from core.messages import Passage

CLOSE: Final = 0.30  # off-topic questions stay under .18, answerable ones rarely under .45 (MiniLM, measured)
SURE: Final = 0.55  # this close, a paraphrase needs no word in common
WORDS: Final = 0.34  # of the question's content words, where the cosine alone does not decide
WORDS_ALONE: Final = 0.6  # without an embedder the words decide alone
_READ: Final = 3  # passages whose words count


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether to answer, and the two figures it rests on: `close` in [-1, 1] or None, `share` in [0, 1]."""

    enough: bool
    close: float | None
    share: float


def judge(question: str, passages: Sequence[Passage], ranked: Sequence[Scored]) -> Verdict:
    """Return whether the passages found are good enough to answer from."""
    if not passages or not ranked:
        return Verdict(False, None, 0.0)
    read = "\n".join(f"{p.title} {' '.join(p.path)} {p.text}" for p in passages[:_READ])
    share = shared(question, read)
    cosines = [p.cosine for p in passages if p.cosine is not None]
    if not cosines:
        return Verdict(share >= WORDS_ALONE, None, share)
    close = max(*cosines, ranked[0].cosine, -1.0)
    return Verdict(close >= SURE or (close >= CLOSE and share >= WORDS), close, share)
