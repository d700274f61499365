"""Splits Markdown into pieces that a chat takes, each complete in itself."""

import re
from collections.abc import Callable
from dataclasses import replace

from core.markdown.blocks import Block, Kind, scan
from core.markdown.clusters import whole_before
from core.markdown.cuts import Cut, Rank, code_at, cuts, is_fence

LEAST = 100  # below this a fence with its indent and language may leave no room for code
_BLANK = re.compile(r"\A(?:[^\S\n]*\n)+")
_FILL = 0.3  # a better place counts only if the piece is then this full: or a short first paragraph would stand alone


def split(text: str, limit: int, *, length: Callable[[str], int] = len) -> list[str]:
    """Return the text in pieces of at most `limit` by `length`, which may count a character as one or more.

    Cuts between paragraphs where it can, else list items, lines and sentences, words, and at last anywhere but inside
    a character with its marks. A code block that is cut is closed and opened again with its language; a table is cut
    between rows and its head repeated. Nothing is lost but white space at the cuts, and of a code block's language what
    is longer than an eighth of the limit moves into the code. An empty list for a blank text. ValueError for a limit
    below `LEAST`.
    """
    if limit < LEAST:
        raise ValueError(f"A piece needs room for {LEAST} at least, not {limit}.")
    rest = "\n".join(_tidy(block, limit // 8, length) for block in scan(text)).strip("\n")
    pieces: list[str] = []
    while rest.strip():
        piece, rest = _first(rest, limit, length)
        pieces.append(piece)
    return pieces


def _tidy(block: Block, room: int, length: Callable[[str], int]) -> str:
    """Return a block's text, a code block closed, without blank lines at its ends, and with a language of this size."""
    if block.kind is not Kind.CODE:
        return "\n".join(block.lines)
    fits = length(block.info) <= room
    code = "\n".join(block.lines if fits else (block.info, *block.lines))
    code = _BLANK.sub("", code).rstrip()
    return "\n".join([(block if fits else replace(block, info="")).opening, *([code] if code else []), block.closing])


def _first(text: str, limit: int, length: Callable[[str], int]) -> tuple[str, str]:
    """Return the first piece and the text that remains."""
    text = _BLANK.sub("", text)
    if len(text) <= limit and length(text) <= limit:
        return text.rstrip(), ""
    cut = _best(text[: 3 * limit], limit, length)
    return text[: cut.at].rstrip() + cut.close, cut.reopen + text[cut.resume :]


def _best(text: str, limit: int, length: Callable[[str], int]) -> Cut:
    end = _reach(text, limit, length)
    fitting = [
        cut
        for cut in cuts(text, limit, length)
        if cut.at <= end and text[: cut.at].strip() and (not cut.close or length(text[: cut.at] + cut.close) <= limit)
    ]
    for rank in Rank:
        best = max((cut for cut in fitting if cut.rank is rank), key=lambda cut: cut.at, default=None)
        if best and best.at >= end * _FILL and rank is not Rank.LAST:
            return best
    whole = [cut for cut in fitting if cut.rank is not Rank.LAST]
    if whole:
        return max(whole, key=lambda cut: cut.at)
    return max(fitting, key=lambda cut: cut.at, default=None) or _hard(text, end, limit, length)


def _hard(text: str, end: int, limit: int, length: Callable[[str], int]) -> Cut:
    """Return a cut inside a word, never inside a character unless that alone is too long."""
    code = code_at(text, end)
    start, marker, close, reopen = 0, "", "", ""
    if code:
        block, start = code
        marker, close, reopen = block.marker, f"\n{block.closing}", f"{block.opening}\n"
    at = max(start + 1, whole_before(text, _reach(text, limit, length, close)))
    at = next((place for place in range(at, start, -1) if not is_fence(text, place, marker)), at)
    return Cut(rank=Rank.LAST, at=at, resume=at, close=close, reopen=reopen)


def _reach(text: str, limit: int, length: Callable[[str], int], close: str = "") -> int:
    """Return how many characters fit, with what closes them."""
    low, high = 1, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if length(text[:middle] + close) <= limit:
            low = middle
        else:
            high = middle - 1
    return low
