"""Scanned PDFs: refused with the remedy, or read by the extra `docling` where it is installed."""

import io
import sys
from types import SimpleNamespace

import pypdfium2
import pytest

from core.errors import InputError
from infra.knowledge.readers.layout import to_markdown
from infra.knowledge.readers.ocr import _lines
from infra.knowledge.scans import Readers, interpreter
from tests.infra.knowledge.files import column, pdf

CHILD = "tests.infra.knowledge.recognising"
LINES = ("The canteen opens at 11:45 on weekdays.", "Soup costs 2.80 and a coffee 1.20.")


async def test_without_the_extra_a_scan_names_both_remedies() -> None:
    """What is scanned says so, and what would read it."""
    async with Readers(python="") as readers:
        with pytest.raises(InputError, match=r"scanned.*run OCR first.*make setup-docling"):
            await readers.parse(pdf([], image=True), name="scan.pdf")


@pytest.mark.slow
async def test_with_the_extra_a_scan_is_read_and_nothing_else_reaches_it() -> None:
    """Only what the ordinary reader found to be scanned goes to the large libraries."""
    async with Readers(python=sys.executable, child=CHILD) as readers:
        parsed = await readers.parse(pdf([], image=True), name="scan.pdf")
        assert parsed.sections[0].markdown == "Recognised."
        assert "costs" in (await readers.parse(pdf(column(*LINES)), name="x.pdf")).sections[0].markdown
        with pytest.raises(InputError, match="password-protected"):
            await readers.parse(pdf([], image=True, locked=True), name="x.pdf")


@pytest.mark.slow
async def test_a_scan_that_kills_its_reader_is_refused_and_the_next_one_is_read() -> None:
    """The child dies, the sentence says why, and a new child reads on."""
    async with Readers(python=sys.executable, child=CHILD) as readers:
        with pytest.raises(InputError, match="damaged or too unusual"):
            await readers.parse(pdf([], image=True, title="die"), name="scan.pdf")
        assert (await readers.parse(pdf([], image=True), name="scan.pdf")).sections


def test_what_was_recognised_side_by_side_is_one_line() -> None:
    """Boxes at one height are cells of a line; what is not sure enough is left out."""
    places = ((20, 20), (400, 22), (20, 120), (20, 200))
    boxes = [[[x, y], [x + 100, y], [x + 100, y + 30], [x, y + 30]] for x, y in places]
    found = SimpleNamespace(txts=("Left", "Right", "Below", "n0ise"), boxes=boxes, scores=(0.99, 0.98, 0.97, 0.2))
    lines = _lines(found, 800.0)
    assert [[cell.text for cell in line.cells] for line in lines] == [["Left", "Right"], ["Below"]]
    assert lines[0].top > lines[1].top
    assert "n0ise" not in to_markdown([lines])[0]
    assert _lines(SimpleNamespace(txts=None), 800.0) == []


@pytest.mark.docling
async def test_a_page_that_was_photographed_is_read_for_real() -> None:
    """Text made a picture and put into a PDF comes back as text, with what was large as its heading."""
    assert interpreter(), "run make setup-docling"
    written = pdf([*column("Canteen rules", size=30), *column(*LINES, size=16, top=620)])
    picture = pypdfium2.PdfDocument(written)[0].render(scale=2.5).to_pil()
    scan = io.BytesIO()
    picture.convert("RGB").save(scan, "PDF", resolution=180)
    async with Readers() as readers:
        parsed = await readers.parse(scan.getvalue(), name="scan.pdf")
    text = parsed.sections[0].markdown
    assert parsed.title == "Canteen rules"
    assert all(line in text.replace("\n", " ") for line in LINES)
