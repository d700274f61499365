"""Excel workbooks: every visible sheet a section of tables, values as a person sees them."""

import datetime as dt
import io
import re
import warnings
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import quote

import openpyxl

from core.budgets import PARSE_CHARACTERS
from core.errors import InputError
from infra.knowledge.readers.archive import checked, whole
from infra.knowledge.readers.detect import Kind
from infra.knowledge.readers.parsed import Parsed, Section
from infra.knowledge.readers.rows import to_markdown
from infra.knowledge.readers.titles import sensible

WHAT = "Excel workbook"
LONG = f"the workbook has more than {PARSE_CHARACTERS:,} characters: split it and add the parts"
CURRENCY = re.compile(r"[€$£¥]")
PLAIN = re.compile(r"\[[^\]]*\]|\"[^\"]*\"|\\.|_.|;.*")  # colours, literals, fillers and the forms for other signs


def read(content: bytes) -> Parsed:
    """Read an XLSX: values, not formulas; no hidden sheets, no charts."""
    stated = checked(content, WHAT)
    with whole(WHAT), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about styles and extensions that are not kept
        book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
        sheets = [sheet for sheet in book.worksheets if sheet.sheet_state == "visible"]
        sections = tuple(_section(sheet) for sheet in sheets)
    return Parsed(title=sensible(stated), media_type=Kind.XLSX, sections=sections)


def _section(sheet: Any) -> Section:
    sheet.reset_dimensions()  # what a file claims to be as large as is not believed
    markdown = to_markdown(_rows(sheet.iter_rows()))
    name = " ".join(str(sheet.title).split())
    return Section(anchor=f"sheet={quote(name)}", markdown=f"# {name}\n\n{markdown}" if markdown else "")


def _rows(rows: Iterable[Iterable[Any]]) -> Iterator[list[str]]:
    size = 0
    for row in rows:
        cells = [_shown(cell) for cell in row]
        size += sum(map(len, cells)) + len(cells)
        if size > PARSE_CHARACTERS:
            raise InputError(LONG)
        yield cells


def _shown(cell: Any) -> str:
    """Return a cell as Excel shows it, near enough: percent, currency and dates by their format."""
    value = cell.value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (int, float)):
        return _number(value, str(cell.number_format or ""))
    if isinstance(value, dt.datetime):
        return value.isoformat(" ", "minutes") if value.time() != dt.time() else value.date().isoformat()
    return str(value)


def _number(value: float, form: str) -> str:
    money = CURRENCY.search(form)
    if "%" in PLAIN.sub("", form):
        return f"{value * 100:.10g}%"
    return f"{money.group()}{value:.10g}" if money else f"{value:.15g}"
