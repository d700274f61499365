"""Every place where a text may be cut, ranked, with what a cut there asks for."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from enum import IntEnum

from core.markdown.blocks import Block, Kind, closes, opens, scan
from core.markdown.clusters import is_whole

_PARAGRAPH = re.compile(r"(?:[ \t]*\n){2,}")
_LINE = re.compile(r"[ \t]*\n(?P<item>[ \t]*(?:[-*+•]|\d{1,9}[.)])[ \t])?")
_SENTENCE = re.compile(r"[.!?…][\"'”’»)\]*_]*(?:[ \t]*\[[\d, ]{1,20}\])*(?P<gap>[ \t]+)|[。！？][”’」』）]*(?P<none>)")
_SPACE = re.compile(r"[ \t]+")
_CODE_GAP = re.compile(r"\n+| +")
_HEADING = re.compile(r"[ \t]{0,3}#{1,6}[ \t][^\n]*")
_TIED = re.compile(
    r"(?<!`)(`+)(?!`)[^\n]+?(?<!`)\1(?!`)|\[[^\[\]\n]*\]\([^()\n]*\)|<[^<>\n]*>"
)  # code, links: kept in one


class Rank(IntEnum):
    """How good a place is, best first."""

    PARAGRAPH = 0
    ITEM = 1
    SENTENCE = 2
    WORD = 3
    LAST = 4  # between a heading and its text, or inside a table's row


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """The piece is `text[:at] + close`; the text goes on as `reopen + text[resume:]`."""

    rank: Rank
    at: int
    resume: int
    close: str = ""
    reopen: str = ""


def cuts(text: str, room: int, length: Callable[[str], int]) -> Iterator[Cut]:
    """Yield the places in any order. A table's head is repeated if it takes at most half of `room`, a piece's limit."""
    for block in scan(text):
        if block.start:
            parts = _parts_heading(text, block.start - 1, block.start)
            yield Cut(rank=Rank.LAST if parts else Rank.PARAGRAPH, at=block.start - 1, resume=block.start)
        if block.kind is Kind.CODE:
            yield from _in_code(text, block)
        elif block.kind is Kind.TABLE:
            yield from _in_table(text, block, room, length)
        else:
            yield from _in_prose(text, block)


def code_at(text: str, at: int) -> tuple[Block, int] | None:
    """Return the code block that a cut here would tear, and where its code begins."""
    for block in scan(text):
        if block.kind is Kind.CODE and block.start < at <= block.end:
            return block, _body(text, block)
    return None


def is_fence(text: str, at: int, marker: str = "") -> bool:
    """Whether the rest of the line, were it a line, would close the code of this marker; without one, open code."""
    line = text[at:].partition("\n")[0]
    return closes(line, marker) if marker else opens(line)


def _parts_heading(text: str, at: int, resume: int) -> bool:
    """Whether the piece would end in a heading whose text then begins the next."""
    last, following = text[:at].rstrip().rpartition("\n")[2], text[resume:].lstrip()
    return bool(_HEADING.fullmatch(last)) and not following.startswith("#")


def _body(text: str, block: Block) -> int:
    return text.index("\n", block.start) + 1 if "\n" in text[block.start : block.end] else block.end


def _in_code(text: str, block: Block) -> Iterator[Cut]:
    start, close, reopen = _body(text, block), f"\n{block.closing}", f"{block.opening}\n"
    stop = start + sum(map(len, block.lines)) + len(block.lines) - 1
    for match in _CODE_GAP.finditer(text, start + 1, max(stop, start + 1)):
        rank = Rank.ITEM if match.group().startswith("\n") else Rank.WORD
        resume = match.end() if rank is Rank.ITEM else match.start()  # a line's spaces are part of the code
        if text[start : match.start()].strip() and is_whole(text, resume) and not is_fence(text, resume, block.marker):
            yield Cut(rank=rank, at=match.start(), resume=resume, close=close, reopen=reopen)


def _in_table(text: str, block: Block, room: int, length: Callable[[str], int]) -> Iterator[Cut]:
    head = "\n".join(block.lines[:2]) + "\n"
    reopen = head if length(head) * 2 <= room else ""
    at = block.start + len(head) - 1
    for row in block.lines[2:]:
        if at > block.start + len(head) - 1:
            yield Cut(rank=Rank.ITEM, at=at, resume=at + 1, reopen=reopen)
        at += 1 + len(row)
    for match in _SPACE.finditer(text, block.start + 1, block.end):
        if is_whole(text, match.end()) and not is_fence(text, match.end()):
            yield Cut(rank=Rank.LAST, at=match.start(), resume=match.end())


def _in_prose(text: str, block: Block) -> Iterator[Cut]:
    tied = [match.span() for match in _TIED.finditer(text, block.start, block.end)]
    for cut in _places(text, block):
        torn = cut.rank >= Rank.SENTENCE and any(start < cut.at < end for start, end in tied)
        if not torn and is_whole(text, cut.resume) and not is_fence(text, cut.resume):
            yield replace(cut, rank=Rank.LAST) if _parts_heading(text, cut.at, cut.resume) else cut


def _places(text: str, block: Block) -> Iterator[Cut]:
    span = (block.start, block.end)
    for match in _PARAGRAPH.finditer(text, *span):
        yield Cut(rank=Rank.PARAGRAPH, at=match.start(), resume=match.end())
    for match in _LINE.finditer(text, *span):
        rank = Rank.ITEM if match.group("item") else Rank.SENTENCE
        yield Cut(rank=rank, at=match.start(), resume=text.index("\n", match.start()) + 1)
    for match in _SENTENCE.finditer(text, *span):
        yield Cut(rank=Rank.SENTENCE, at=match.start(match.lastgroup or 0), resume=match.end())
    for match in _SPACE.finditer(text, *span):
        yield Cut(rank=Rank.WORD, at=match.start(), resume=match.end())
