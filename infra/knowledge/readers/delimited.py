"""CSV and TSV, whatever parts their cells: one table."""

import csv
import io
from collections import Counter

from core.errors import InputError
from infra.knowledge.readers.detect import Kind
from infra.knowledge.readers.parsed import Parsed, Section
from infra.knowledge.readers.rows import to_markdown

DELIMITERS = ",;\t|"
SAMPLE = 20  # lines looked at
LONGEST = 1_000_000  # characters of one cell: more is an unclosed quotation mark
BROKEN = "the table has an unclosed quotation mark near line {line}: mend it, or save it as CSV again"


def read(text: str, *, suffix: str = "") -> Parsed:
    """Read a table; raises InputError where quoting is broken."""
    first, _, rest = text.partition("\n")
    stated = first.strip().removeprefix("sep=") if first.startswith("sep=") else ""  # Excel's own hint
    delimiter = stated[:1] or ("\t" if suffix == "tsv" else _delimiter(text))
    csv.field_size_limit(LONGEST)
    rows = csv.reader(io.StringIO(rest if stated else text, newline=""), delimiter=delimiter, skipinitialspace=True)
    try:
        markdown = to_markdown(list(rows))
    except csv.Error as error:
        raise InputError(BROKEN.format(line=rows.line_num)) from error
    return Parsed(title="", media_type=Kind.CSV, sections=(Section(anchor="", markdown=markdown),))


def _delimiter(text: str) -> str:
    """Return what parts the most lines into the same number of cells, in doubt the comma."""
    lines = [line for line in text.splitlines()[:SAMPLE] if line.strip()]

    def agreement(mark: str) -> tuple[int, int]:
        counts = Counter(line.count(mark) for line in lines if mark in line)
        number, agreeing = counts.most_common(1)[0] if counts else (0, 0)
        return agreeing, number

    return max(DELIMITERS, key=agreement)
