"""Two documents that disagree: near the same words, of the same kind another number."""

from collections.abc import Sequence
from typing import Final

from core.binding import figures
from core.extract import Excerpt, Scored
from core.messages import Passage
from core.phrases import phrase
from core.ports import Librarian
from core.words import content

CLOSE: Final = 0.85  # of the best excerpt's score: what stands further off answers something else
ALIKE: Final = 0.6  # of the shorter one's words, numbers left out, stand in the other
_LOOKED: Final = 8  # excerpts
_FEWEST: Final = 3  # words both have, numbers left out: less is no claim


def rival(ranked: Sequence[Scored], passages: Sequence[Passage]) -> Scored | None:
    """Return the closest excerpt of another document that contradicts the best one, None where none does."""
    best = ranked[0]
    document = passages[best.excerpt.n - 1].document
    for other in ranked[1:_LOOKED]:
        elsewhere = passages[other.excerpt.n - 1].document != document
        if elsewhere and other.score >= CLOSE * best.score and other.share >= best.share and _disagree(best, other):
            return other
    return None


async def settled(
    librarian: Librarian, workspace: str, pair: tuple[Scored, Scored], passages: Sequence[Passage], tongue: str
) -> tuple[list[Excerpt], str]:
    """Return both sides, the newer first, and a sentence that says so. UnknownError, KnowledgeDown."""
    sides = []
    for one in pair:
        document, _ = await librarian.document(workspace, passages[one.excerpt.n - 1].document)
        sides.append((document.changed, document.title, one.excerpt))
    newer, older = sorted(sides, key=lambda side: side[0], reverse=True)
    said = phrase(
        "conflict", tongue, newer=newer[1], when=f"{newer[0]:%Y-%m-%d}", older=older[1], before=f"{older[0]:%Y-%m-%d}"
    )
    return [newer[2], older[2]], said


def _disagree(one: Scored, other: Scored) -> bool:
    mine, theirs = _claim(one), _claim(other)
    both = mine[0] & theirs[0]
    if len(both) < _FEWEST or len(both) < ALIKE * min(len(mine[0]), len(theirs[0])):
        return False
    kinds = mine[1].keys() & theirs[1].keys()
    return any(mine[1][kind].isdisjoint(theirs[1][kind]) for kind in kinds if kind)


def _claim(scored: Scored) -> tuple[set[str], dict[str, set[str]]]:
    """Return an excerpt's words without numbers, and its numbers by kind."""
    text = f"{scored.excerpt.lead} {scored.excerpt.text}"
    numbers: dict[str, set[str]] = {}
    for number, kind in figures(text):
        numbers.setdefault(kind, set()).add(number)
    return {w for w in content(text) if not any(c.isdigit() for c in w)}, numbers
