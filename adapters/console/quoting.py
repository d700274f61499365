"""Which sentences of a passage an answer rests on, so that they can be highlighted. Pure."""

import re
from collections.abc import Sequence
from typing import Final

from adapters.console.text import Block
from core.citations import marked, unmarked
from core.words import content, sentences

SAME: Final = 0.7  # of a sentence's content words that the answer repeats: it was quoted or closely rephrased
LIKELY: Final = 0.4  # where none was, the best one from here on is shown
SHORTEST: Final = 2  # content words; a shorter sentence matches anything


def citing(answer: str, n: int) -> str:
    """Return what the answer says with marker `n`, without markers."""
    lines = [line for paragraph in answer.split("\n") for line in sentences(paragraph)]
    return "\n".join(unmarked(line) for line in lines if n in marked(line))


def units(block: Block) -> list[str]:
    """Return the parts of a block that are highlighted or not: its sentences; rows and code are whole."""
    return sentences(block.text) if block.kind in ("p", "li") else [block.text]


def quoted(passage: Sequence[Block], said: str) -> set[tuple[int, int]]:
    """Return `(block, unit)` of each part of the passage that was said, of the likeliest if none was, or nothing."""
    words, plain = set(content(said)), _plain(said)
    scores: dict[tuple[int, int], float] = {}
    for b, block in enumerate(passage):
        for u, unit in enumerate(units(block) if block.kind not in ("h", "head") else ()):
            own = content(unit)
            if _plain(unit) and _plain(unit) in plain:
                scores[b, u] = 1.0 if len(own) >= SHORTEST else 0.0
            elif len(own) >= SHORTEST:
                scores[b, u] = sum(w in words for w in own) / len(own)
    same = {at for at, score in scores.items() if score >= SAME}
    if same or not scores:
        return same
    best = max(scores, key=lambda at: scores[at])
    return {best} if scores[best] >= LIKELY else set()


def _plain(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.casefold()))
