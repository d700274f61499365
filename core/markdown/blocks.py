"""Takes Markdown apart into runs of whole lines: code, tables, and all the rest."""

import re
from dataclasses import dataclass
from enum import StrEnum

_OPEN = re.compile(r"(?P<indent>[ \t]{0,12})(?P<marker>`{3,16}|~{3,16})[ \t]*(?P<info>[^`~\n]*)")
_RULE = re.compile(r"[ \t]*\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*")


class Kind(StrEnum):
    """What a block is."""

    PROSE = "prose"
    CODE = "code"
    TABLE = "table"


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Whole lines of one kind. For code, `lines` is without the fences, which `indent`, `marker` and `info` describe.

    `start` and `end` are offsets in the text; the line break after the last line belongs to no block.
    """

    kind: Kind
    lines: tuple[str, ...]
    start: int
    end: int
    indent: str = ""
    marker: str = ""
    info: str = ""

    @property
    def opening(self) -> str:
        """The line that opens this code again."""
        return f"{self.indent}{self.marker}{self.info}"

    @property
    def closing(self) -> str:
        """The line that closes this code."""
        return f"{self.indent}{self.marker}"


def scan(text: str) -> list[Block]:
    """Return the blocks in order; joined by line breaks they are the text. An open fence runs to the end."""
    lines = text.split("\n")
    blocks: list[Block] = []
    at = offset = 0
    while at < len(lines):
        kind, end = _next(lines, at)
        size = sum(map(len, lines[at:end])) + end - at - 1
        blocks.append(_block(kind, lines[at:end], offset, offset + size))
        at, offset = end, offset + size + 1
    return blocks


def _next(lines: list[str], at: int) -> tuple[Kind, int]:
    """Return the kind of the block that begins at this line, and the line after its last."""
    if fence := _OPEN.fullmatch(lines[at]):
        return Kind.CODE, _code_end(lines, at, fence.group("marker"))
    if _begins_table(lines, at):
        return Kind.TABLE, _table_end(lines, at)
    end = at + 1
    while end < len(lines) and not _OPEN.fullmatch(lines[end]) and not _begins_table(lines, end):
        end += 1
    return Kind.PROSE, end


def _code_end(lines: list[str], at: int, marker: str) -> int:
    for end in range(at + 1, len(lines)):
        if closes(lines[end], marker):
            return end + 1
    return len(lines)


def opens(line: str) -> bool:
    """Whether a line opens a fence."""
    return bool(_OPEN.fullmatch(line))


def closes(line: str, marker: str) -> bool:
    """Whether a line closes a fence that this marker opened."""
    bare = line.strip(" \t")
    return len(bare) >= len(marker) and not bare.strip(marker[0])


def _begins_table(lines: list[str], at: int) -> bool:
    rule = lines[at + 1] if at + 1 < len(lines) else ""
    return "|" in lines[at] and "|" in rule and "-" in rule and bool(_RULE.fullmatch(rule))


def _table_end(lines: list[str], at: int) -> int:
    end = at + 2
    while end < len(lines) and "|" in lines[end] and not _OPEN.fullmatch(lines[end]):
        end += 1
    return end


def _block(kind: Kind, lines: list[str], start: int, end: int) -> Block:
    fence = _OPEN.fullmatch(lines[0]) if kind is Kind.CODE else None
    if fence is None:
        return Block(kind=kind, lines=tuple(lines), start=start, end=end)
    indent, marker, info = fence.group("indent", "marker", "info")
    closed = len(lines) > 1 and closes(lines[-1], marker)
    body = tuple(lines[1:-1] if closed else lines[1:])
    return Block(kind=kind, lines=body, start=start, end=end, indent=indent, marker=marker, info=info.strip())
