"""PDF: the text layer page by page, through PDFium; one section a page, so that a citation can name it."""

import ctypes
import re
from collections.abc import Iterator
from dataclasses import replace

import pypdfium2
from pypdfium2 import raw

from core.budgets import PARSE_PAGES
from core.errors import InputError
from infra.knowledge.readers.detect import LOCKED, Kind
from infra.knowledge.readers.layout import Cell, Line, to_markdown
from infra.knowledge.readers.parsed import SCANNED, Parsed, Section
from infra.knowledge.readers.titles import sensible

DAMAGED = "the PDF is damaged and cannot be opened: save or print it to a new PDF and add that"
NO_PAGES = "the PDF is damaged (it has no readable page): save or print it to a new PDF and add that"
EMPTY = "the PDF has no readable text: if it shows some on the screen, print it to a new PDF and add that"
WIDE = 1.2  # times the letters' height: more between two words parts cells of a table
LONG = f"the PDF has more than {PARSE_PAGES:,} pages: split it and add the parts"


def read(content: bytes) -> Parsed:
    """Read a PDF; raises InputError if it is locked, damaged, scanned, empty or too long."""
    with _open(content) as document:
        if len(document) > PARSE_PAGES:
            raise InputError(LONG)
        pages, pictures, broken = _pages(document)
        if not any(pages):
            raise InputError(SCANNED if pictures else NO_PAGES if broken == len(pages) else EMPTY)
        title = sensible(document.get_metadata_value("Title"))
    texts = to_markdown(pages)
    sections = tuple(Section(anchor=f"page={n}", markdown=text) for n, text in enumerate(texts, 1))
    return Parsed(title=title or _heading(texts), media_type=Kind.PDF, sections=sections)


def _open(content: bytes) -> pypdfium2.PdfDocument:
    try:
        return pypdfium2.PdfDocument(content)
    except pypdfium2.PdfiumError as error:
        locked = error.err_code in (raw.FPDF_ERR_PASSWORD, raw.FPDF_ERR_SECURITY)
        raise InputError(LOCKED if locked else DAMAGED) from error


def _pages(document: pypdfium2.PdfDocument) -> tuple[list[list[Line]], bool, int]:
    """Read all lines of every page; also say whether there are pictures, and how many pages are broken."""
    pages: list[list[Line]] = []
    pictures, broken = False, 0
    for number in range(len(document)):
        try:
            page = document[number]
        except pypdfium2.PdfiumError:  # a broken page in a good document is left out
            pages.append([])
            broken += 1
            continue
        pages.append(list(_lines(page.get_textpage())))
        pictures = pictures or (not pages[-1] and any(page.get_objects(filter=[raw.FPDF_PAGEOBJ_IMAGE])))
        page.close()
    return pages, pictures, broken


def _lines(page: pypdfium2.PdfTextPage) -> Iterator[Line]:
    """Yield the lines of a page with their places, in the order of the page's content."""
    start = 0
    for text in page.get_text_range().split("\r\n"):
        words = [(found.start(), found.end(), found.group()) for found in re.finditer(r"\S+", text)]
        if words:
            yield _line(page, start, words)
        start += len(text.encode("utf-16-le", "surrogatepass")) // 2 + 2


def _line(page: pypdfium2.PdfTextPage, start: int, words: list[tuple[int, int, str]]) -> Line:
    """Make a line of its words, cut into cells where a gap is too wide for a space."""
    cells: list[Cell] = []
    first = last = _box(page, start + words[0][0])
    for begin, end, word in words:
        box = _box(page, start + begin)
        if cells and box[0] - last[2] < WIDE * (first[3] - first[1]):
            cells[-1] = replace(cells[-1], text=f"{cells[-1].text} {word}")
        else:
            cells.append(Cell(word, box[0]))
        last = _box(page, start + end - 1)
    return Line(tuple(cells), left=first[0], bottom=first[1], right=last[2], top=first[3], foot=last[1])


def _box(page: pypdfium2.PdfTextPage, place: int) -> tuple[float, float, float, float]:
    """Give left, bottom, right, top of a character; loose, so that all of one font are equally high."""
    box = raw.FS_RECTF()
    index = raw.FPDFText_GetCharIndexFromTextIndex(page, place)
    if index < 0 or not raw.FPDFText_GetLooseCharBox(page, index, ctypes.byref(box)):
        return (0.0, 0.0, 0.0, 0.0)
    return (box.left, box.bottom, box.right, box.top)


def _heading(texts: list[str]) -> str:
    lines = [line for text in texts[:2] for line in text.splitlines()]
    headings = [line for line in lines if line.startswith("#")]
    first = min(headings, key=lambda line: len(line) - len(line.lstrip("#")), default="") or next(
        filter(None, lines), ""
    )
    return first.lstrip("# ") if len(first) <= 120 else ""
