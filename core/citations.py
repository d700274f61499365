"""Markers such as `[2]` and what they resolve to. Pure."""

import re
from collections.abc import Sequence

from core.messages import Citation, Passage

_MARKERS = re.compile(r"(?:\s*\[\d{1,3}(?:\s*[,;]\s*\d{1,3})*\])+")
_NUMBER = re.compile(r"\d+")


def marked(text: str) -> list[int]:
    """Return the numbers cited in a text, in order of first use."""
    return list(dict.fromkeys(int(n) for group in _MARKERS.findall(text) for n in _NUMBER.findall(group)))


def unmarked(text: str) -> str:
    """Return the text without its markers."""
    return _MARKERS.sub("", text)


def with_marker(sentence: str, n: int) -> str:
    """Return the sentence citing `n` and nothing else, the marker after its last word's stop."""
    return f"{unmarked(sentence).rstrip()} [{n}]"


def to_citation(n: int, passage: Passage) -> Citation:
    """Return what `[n]` resolves to."""
    return Citation(
        n=n, title=passage.title, url=passage.url, document=passage.document, chunk=passage.chunk, text=passage.text
    )


def resolve(text: str, passages: Sequence[Passage]) -> tuple[str, tuple[Citation, ...]]:
    """Number the citations of a finished text 1, 2, … in order of use and return it with what they resolve to.

    Markers count from 1 over `passages`; one that resolves to nothing is taken out.
    """
    used = [n for n in marked(text) if 1 <= n <= len(passages)]
    renumbered = {old: new for new, old in enumerate(used, 1)}

    def rewrite(match: re.Match[str]) -> str:
        kept = dict.fromkeys(renumbered[int(n)] for n in _NUMBER.findall(match[0]) if int(n) in renumbered)
        return " " + "".join(f"[{n}]" for n in kept) if kept else ""

    return _MARKERS.sub(rewrite, text).strip(), tuple(to_citation(renumbered[n], passages[n - 1]) for n in used)
