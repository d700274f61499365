"""Lines of PDF pages to Markdown: paragraphs joined, hyphens mended, repeated headers and footers dropped.

A PDF knows where letters stand and nothing of paragraphs; every rule below reads the geometry as a person would.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise
from statistics import median

SOFT = "\ufffe"  # what PDFium writes for a hyphen at a line's end, with the next line after it
HYPHENS = "\x02\xad"  # what producers write for it
BULLET = re.compile(r"^(?:[•▪●◦‣∙·■□◆➢✓*–—-]|[\uf0b7\uf0a7])\s+(?=\S)")
NUMBERED = re.compile(r"^(?:\d{1,3}|[a-zA-Z])[.)]\s+(?=\S)")
FURNITURE = 3  # lines at either end of a page that may be header or footer
FURNITURE_PAGES = 3  # fewer pages prove no repetition
FURNITURE_SHARE = 0.6
HEADING_RATIO = 1.15  # times the height of body text
HEADING_LONGEST = 150  # characters
HEADING_SHARE = 0.3  # of all characters: above it, size means something else (slides, posters)
LEVELS = 3
PITCH = 1.35  # times the page's usual line distance: a paragraph ends
FAR = 2.0  # times the letters' height: lines further apart say nothing of the usual distance
FULL = 0.85  # of the column's width: a shorter line ended on purpose, and the next stays a line of its own


MARKER = re.compile(r"^(?:\W|\(?\w{1,3}[.)])$")  # before a list item: its gap makes no cell


@dataclass(frozen=True, slots=True)
class Cell:
    """Words that stand together, and where they begin."""

    text: str
    left: float = 0.0


@dataclass(frozen=True, slots=True)
class Line:
    """Cells beside each other (one, outside of tables), with their place in points from the lower left corner.

    `bottom` is that of its first letter and `foot` that of its last: PDFium appends the line after a hyphen.
    """

    cells: tuple[Cell, ...]
    left: float = 0.0
    bottom: float = 0.0
    right: float = 0.0
    top: float = 0.0
    foot: float = 0.0

    @property
    def text(self) -> str:
        """Its whole text."""
        return " ".join(cell.text for cell in self.cells)

    @property
    def height(self) -> float:
        """The height of its letters, to half a point."""
        return round((self.top - self.bottom) * 2) / 2


def to_markdown(pages: Sequence[Sequence[Line]]) -> list[str]:
    """Turn the pages' lines into one Markdown text a page."""
    levels = _levels([line for page in pages for line in page])
    kept = _without_furniture(pages, levels)
    compounds = {_bare(word) for page in kept for line in page for word in line.text.split() if "-" in word}
    mended = [[_mended(line, compounds) for line in page] for page in kept]
    return ["\n\n".join(_blocks(page, levels, compounds)) for page in mended]


def _without_furniture(pages: Sequence[Sequence[Line]], levels: dict[float, int]) -> list[list[Line]]:
    """Drop the lines that stand at the top or foot of most pages, whatever the page number in them.

    A page of which nothing would stay keeps all, and numbered headings ("Step 2") are no page numbers.
    """

    def key(line: Line) -> str:
        return line.text if line.height in levels else re.sub(r"\d+", "#", line.text).lower()

    written = [page for page in pages if page]
    counts = Counter(text for page in written for text in {key(page[at]) for at in _edges(page)})
    least = max(FURNITURE_PAGES, FURNITURE_SHARE * len(written))
    dropped = [{at for at in _edges(page) if counts[key(page[at])] >= least} for page in pages]
    return [
        [line for at, line in enumerate(page) if at not in gone or len(gone) == len(page)]
        for page, gone in zip(pages, dropped, strict=True)
    ]


def _edges(page: Sequence[Line]) -> set[int]:
    """Give the places of the first and last lines of a page."""
    return {at for at in range(len(page)) if at < FURNITURE or at >= len(page) - FURNITURE}


def _levels(lines: Sequence[Line]) -> dict[float, int]:
    """Give a heading level to each letter height that is clearly larger than body text."""
    weight: Counter[float] = Counter()
    for line in lines:
        weight[line.height] += len(line.text)
    if not weight or not (body := weight.most_common(1)[0][0]):
        return {}
    large = sorted((height for height in weight if height >= body * HEADING_RATIO), reverse=True)
    if sum(weight[height] for height in large) > HEADING_SHARE * weight.total():
        return {}
    return {height: min(rank, LEVELS) for rank, height in enumerate(large, 1)}


def _blocks(lines: Sequence[Line], levels: dict[float, int], compounds: set[str]) -> Iterator[str]:
    """Yield headings, tables, list items and paragraphs in reading order."""
    if not lines:
        return
    usual, reach = _pitch(lines), _reach(lines)
    rows = [not _level(line, levels) and len(line.cells) > 1 and not MARKER.match(line.cells[0].text) for line in lines]
    tabular = [
        row and (before or after) for before, row, after in zip([False, *rows], rows, [*rows[1:], False], strict=False)
    ]
    kinds = [(_level(line, levels), table) for line, table in zip(lines, tabular, strict=True)]
    for (level, table), run in groupby(zip(kinds, lines, strict=True), key=lambda pair: pair[0]):
        members = [line for _, line in run]
        if table:
            yield _table(members)
        elif level:
            yield from (f"{'#' * level} {text}" for text in _headings(members))
        else:
            yield from _paragraphs(members, usual, reach, compounds)


def _table(lines: Sequence[Line]) -> str:
    """Write rows as a Markdown table; a row with cells missing has them put under the nearest column."""
    widest = max(lines, key=lambda line: len(line.cells))
    lefts = [cell.left for cell in widest.cells]
    rows = []
    for line in lines:
        row = [""] * len(lefts)
        for place, cell in enumerate(line.cells):
            whole = len(line.cells) == len(lefts)
            column = place if whole else min(range(len(lefts)), key=lambda at: abs(lefts[at] - cell.left))
            row[column] = f"{row[column]} {cell.text}".strip().replace("|", "\\|")
        rows.append(f"| {' | '.join(row)} |")
    return "\n".join([rows[0], "|" + " --- |" * len(lefts), *rows[1:]])


def _headings(lines: Sequence[Line]) -> Iterator[str]:
    """Join lines that are one heading: equally high, no more than a line apart."""
    text = lines[0].text
    for above, line in pairwise(lines):
        if above.height == line.height and 0 < above.foot - line.bottom < 2 * line.height:
            text += f" {line.text}"
        else:
            yield text
            text = line.text
    yield text


def _paragraphs(lines: Sequence[Line], usual: float, reach: dict[int, float], compounds: set[str]) -> Iterator[str]:
    block = ""
    for above, line in zip([None, *lines], lines, strict=False):
        text = re.sub(r"^(#+ )", r"\\\1", BULLET.sub("- ", line.text))
        if above is None or _parted(above, line, usual):
            if block:
                yield block
            block = text
        elif text.startswith("- ") or NUMBERED.match(text) or not _full(above, reach):
            block += "\n" + text
        else:
            block = _join(block, text, compounds)
    yield block


def _level(line: Line, levels: dict[float, int]) -> int:
    headed = len(line.text) <= HEADING_LONGEST and re.search(r"[^\W\d_]", line.text)
    return levels.get(line.height, 0) if headed else 0


def _pitch(lines: Sequence[Line]) -> float:
    """Give the usual distance between lines."""
    steps = [(above.foot - below.bottom, above.height) for above, below in pairwise(lines)]
    return median([step for step, height in steps if 0 < step < FAR * height] or [lines[0].height])


def _reach(lines: Sequence[Line]) -> dict[int, float]:
    """Give the right edge that full lines reach, for each left edge (columns, indents)."""
    edges: dict[int, list[float]] = {}
    for line in lines:
        edges.setdefault(_column(line), []).append(line.right)
    return {column: sorted(rights)[len(rights) * 9 // 10] for column, rights in edges.items()}


def _column(line: Line) -> int:
    return round(line.left / 40)


def _full(line: Line, reach: dict[int, float]) -> bool:
    width = reach[_column(line)] - line.left
    return line.right - line.left >= FULL * width


def _parted(above: Line, below: Line, usual: float) -> bool:
    """Say whether a gap or a jump to another column lies between two lines."""
    step = above.foot - below.bottom
    return step > PITCH * usual or step < -below.height


def _join(block: str, text: str, compounds: set[str]) -> str:
    """Join a line to the text before it, without the hyphen that only the line's end asked for."""
    last = block[-2:]
    if last[-1] not in HYPHENS and not (last[-1] == "-" and last[0].isalpha()):
        return f"{block} {text}"
    compound = f"{block[:-1].rsplit(None, 1)[-1]}-{text.split(None, 1)[0]}"
    if text[0].islower() and _bare(compound) not in compounds:
        return block[:-1] + text
    return f"{block[:-1]}-{text}"


def _mended(line: Line, compounds: set[str]) -> Line:
    if SOFT not in line.text:
        return line
    return replace(line, cells=tuple(replace(cell, text=_mend(cell.text, compounds)) for cell in line.cells))


def _mend(text: str, compounds: set[str]) -> str:
    """Close words at their soft hyphens, but for compounds and names ("x-Ray")."""
    first, *parts = text.split(SOFT)
    for part in parts:
        first = _join(first + "-", part, compounds) if first and part else first + part
    return first


def _bare(word: str) -> str:
    return word.strip(".,;:!?()[]\"'“”‘’").lower()
