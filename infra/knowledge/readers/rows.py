"""Rows of cells to Markdown: a table under its own head, or, where that is too wide to read, one list item a row."""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

CELL = 2_000  # characters of a cell; more is a document inside a table, of which the beginning is enough
WIDEST = 40  # columns of a table; beyond, and with a head longer than HEAD, a row says its heads itself
HEAD = 300  # characters: the head is repeated in every chunk of a table, and must leave room for rows

Row = Sequence[str]


def to_markdown(rows: Iterable[Row]) -> str:
    """Return rows as Markdown: blank rows part tables, a lone cell above a table is its caption."""
    blocks = (list(block) for filled, block in groupby(map(_trimmed, rows), key=any) if filled)
    return "\n\n".join(_block(block) for block in blocks)


def _trimmed(row: Row) -> list[str]:
    cells = [" ".join(cell.split())[:CELL] for cell in row]
    while cells and not cells[-1]:
        cells.pop()
    return cells


def _block(rows: list[list[str]]) -> str:
    indent = min((next(i for i, cell in enumerate(row) if cell) for row in rows), default=0)
    rows = [row[indent:] for row in rows]
    captions = list(_captions(rows))
    table = rows[len(captions) :]
    if not table or max(map(len, table)) < 2:
        return "\n\n".join([*captions, *(row[0] for row in table)])
    shape = _records if len(table[0]) > WIDEST or len(" | ".join(table[0])) > HEAD else _table
    return "\n\n".join([*captions, shape(table)])


def _captions(rows: list[list[str]]) -> Iterator[str]:
    """Yield the first rows that hold a single cell, if a wider one follows."""
    if max(map(len, rows)) < 2:
        return
    for row in rows:
        if len(row) > 1:
            return
        yield row[0]


def _table(rows: list[list[str]]) -> str:
    width = max(map(len, rows))
    lines = [f"| {' | '.join(_escaped(cell) for cell in [*row, *[''] * (width - len(row))])} |" for row in rows]
    return "\n".join([lines[0], f"|{' --- |' * width}", *lines[1:]])


def _records(rows: list[list[str]]) -> str:
    head, *rest = rows
    names = [*head, *(f"column {n}" for n in range(len(head) + 1, max(map(len, rows)) + 1))]
    items = ("; ".join(f"{name}: {cell}" for name, cell in zip(names, row, strict=False) if cell) for row in rest)
    return "\n".join(f"- {item}" for item in items) or "- " + "; ".join(head)


def _escaped(cell: str) -> str:
    return re.sub(r"(?<!\\)\|", r"\\|", cell)
