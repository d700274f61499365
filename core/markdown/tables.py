"""Says a Markdown table in what chats can show: aligned columns in a code block, or a list."""

import re
import unicodedata

from core.markdown.blocks import Block

_WIDEST = 60  # columns of a code block that a phone held upright still shows without wrapping: it shows about 40 to 60
_CELL = re.compile(r"(?<!\\)\|")
_MARKED = re.compile(r"[`<>]|\]\(")


def to_plain_table(block: Block) -> str:
    """Return a narrow table as a code block, and a wide one, or one with links or code in it, as a list of its rows."""
    rows = [_cells(line) for index, line in enumerate(block.lines) if index != 1]
    columns = max(map(len, rows))
    rows = [row + [""] * (columns - len(row)) for row in rows]
    widths = [max(_width(row[column]) for row in rows) for column in range(columns)]
    marked = any(_MARKED.search(cell) for row in rows for cell in row)
    if marked or sum(widths) + 2 * columns > _WIDEST or len(rows) == 1:
        return _listed(rows)
    return "\n".join(["```", *_aligned(rows, widths), "```"])


def _cells(line: str) -> list[str]:
    bare = line.strip().removeprefix("|")
    bare = bare[:-1] if bare.endswith("|") and not bare.endswith("\\|") else bare
    return [cell.strip().replace("\\|", "|") for cell in _CELL.split(bare)]


def _width(cell: str) -> int:
    """Return how many columns a text takes: East Asian characters two, marks and joiners none."""
    seen = [mark for mark in cell if unicodedata.category(mark) not in ("Mn", "Me", "Cf")]
    return sum(2 if unicodedata.east_asian_width(mark) in "WF" else 1 for mark in seen)


def _aligned(rows: list[list[str]], widths: list[int]) -> list[str]:
    lines = [
        "  ".join(cell + " " * (width - _width(cell)) for cell, width in zip(row, widths, strict=True)) for row in rows
    ]
    rule = "  ".join("─" * width for width in widths)
    return [line.rstrip() for line in (lines[0], rule, *lines[1:])]


def _listed(rows: list[list[str]]) -> str:
    head, *body = rows
    return "\n".join(f"- {_row(head, row)}" for row in body) or f"- {_row([''] * len(head), head)}"


def _row(head: list[str], row: list[str]) -> str:
    first = f"**{row[0]}**" if row[0] and "*" not in row[0] else row[0]
    more = [f"{name}: {cell}" if name else cell for name, cell in zip(head[1:], row[1:], strict=True) if cell]
    return " · ".join(part for part in (first, *more) if part)
