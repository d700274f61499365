"""Does a number stand with its subject? "The deposit on the Heron 6 is £100" is wrong where £100 is the Wren 4's. Pure.

A passage is read in the pieces that can be quoted (a sentence, an item with its lead, a table's row with its heads). A
number belongs to the pieces that hold it. It is not bound where another piece with a number of the same kind (pounds,
days) has more of the claim's own words, some of which the number's own pieces lack.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise
from typing import Final

from core.citations import unmarked
from core.extract import excerpts
from core.followup import leans
from core.messages import Passage
from core.words import content, stem

_FIGURE = re.compile(r"([$€£¥]?)\s?(\d+(?:[.,:/]\d+)*)\s?([$€£¥%]?)(?:\s?-?\s?([^\W\d_]+))?")
_MONEY: Final = frozenset("$€£¥")
_CELLS = re.compile(r"; (?=[^;]*: )")
_CLAUSES = re.compile(r",? (?:and|but|or|y|o|pero) |, (?=\D)")
_CURRENCY: Final = frozenset({"pound", "euro", "dollar", "libra"})


def figures(text: str) -> Iterator[tuple[str, str]]:
    """Yield each number in comparable form with its kind: the unit that follows it, or `money`; empty for none."""
    for sign, digits, after, unit in _FIGURE.findall(text):
        word = stem(unit) if unit else ""
        money = sign or after in _MONEY or word in _CURRENCY
        yield stem(digits), "money" if money else after or word


def bound(claim: str, question: str, passage: Passage) -> bool:
    """Whether every number of a claim stands in the passage with what the claim says it of."""
    parts = _parts(unmarked(claim))
    if not any(list(figures(part)) for _, part in parts):
        return True
    pieces = _pieces(passage.text, passage.title, passage.path)
    known = frozenset(content(f"{passage.title} {' '.join(passage.path)}"))
    asked = {number for number, _ in figures(question)}
    for where, part in parts:
        about = (frozenset(content(where)) | frozenset(content(question))) - known
        if not all(_stands(n, kind, about - {n}, pieces) for n, kind in figures(part) if n not in asked):
            return False
    return True


def _stands(number: str, kind: str, about: frozenset[str], pieces: "tuple[_Piece, ...]") -> bool:
    own = [words for words, found in pieces if any(number == other for other, _ in found)]
    if not own:
        return True
    best = max(own, key=lambda words: len(about & words))
    everywhere = frozenset().union(*own)
    return not any(
        len(about & words) > len(about & best) and (about & words) - everywhere
        for words, found in pieces
        if any(its == kind and other != number for other, its in found)
    )


_Piece = tuple[frozenset[str], tuple[tuple[str, str], ...]]


@lru_cache(maxsize=256)
def _pieces(text: str, title: str, path: tuple[str, ...]) -> tuple[_Piece, ...]:
    passage = Passage(chunk="", document="", title=title, url="", text=text, score=0.0, cosine=None, path=path)
    pieces: list[_Piece] = []
    before: frozenset[str] = frozenset()
    for excerpt in excerpts(1, passage):
        said = f"{excerpt.lead} {excerpt.text}"
        words = frozenset(content(said))
        # "It takes ten days" speaks of what the sentence before speaks of
        context = before if leans(excerpt.text) else frozenset[str]()
        pieces += [(frozenset(content(where)) | context, tuple(figures(part))) for where, part in _parts(said)]
        before = words
    return tuple(pieces)


def _parts(said: str) -> list[tuple[str, str]]:
    """Return a piece's parts, each with what it is read with; several where there are several numbers of one kind.

    A row's cell is read with the row's first, a clause with those before it: "a weekend costs £78, and a week £165".
    """
    kinds = [kind for _, kind in figures(said)]
    if len(kinds) == len(set(kinds)):
        return [(said, said)]
    first, *cells = _CELLS.split(said)
    if cells:
        return [(first, first), *((f"{first}; {cell}", cell) for cell in cells)]
    ends = [0, *(match.start() for match in _CLAUSES.finditer(said)), len(said)]
    return [(said[:end], said[start:end]) for start, end in pairwise(ends)]
