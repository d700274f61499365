"""Scanned PDFs, with the extra `docling`: by its own pipeline where its weights are installed, else its OCR alone.

Nothing is fetched: the recognition's weights come with the package, those of docling's layout and tables by
`docling-tools models download`.
"""

import importlib
import io
import logging
from pathlib import Path
from typing import Any, Final

import pypdfium2

from core.budgets import OCR_PAGES
from core.errors import InputError
from infra.knowledge.readers import layout
from infra.knowledge.readers.detect import Kind
from infra.knowledge.readers.layout import Cell, Line
from infra.knowledge.readers.parsed import Parsed, Section
from infra.knowledge.readers.titles import sensible, title_from_name, title_from_text

SCALE: Final = 2.0  # pixels a point: 144 to the inch, at which small print is read and a page takes seconds
SURE: Final = 0.5  # of the recognition's own score: below, it is noise
WEIGHTS: Final = Path(".cache") / "docling" / "models"  # in the home folder, where docling-tools puts them
LONG: Final = (
    f"the PDF is scanned and has more than {OCR_PAGES} pages: run OCR elsewhere, or split it and add the parts"
)
NOTHING: Final = "the PDF is scanned, and no text could be recognised: scan it again, sharper and upright, and add that"
log = logging.getLogger(__name__)


def read(content: bytes, *, name: str, media_type: str = "") -> Parsed:  # noqa: ARG001 - what every reader takes
    """Read a scanned PDF, one section a page; raises InputError if nothing can be recognised, or it is too long."""
    with pypdfium2.PdfDocument(content) as document:
        if len(document) > OCR_PAGES:
            raise InputError(LONG)
        title = sensible(document.get_metadata_value("Title"))
        texts = _by_docling(content, len(document)) or _by_ocr(document)
    sections = tuple(Section(anchor=f"page={n}", markdown=text) for n, text in enumerate(texts, 1) if text.strip())
    if not sections:
        raise InputError(NOTHING)
    title = title or _heading(sections[0].markdown) or title_from_name(name) or title_from_text(sections[0].markdown)
    return Parsed(title=title, media_type=Kind.PDF, sections=sections)


def _by_docling(content: bytes, pages: int) -> list[str]:
    """Read with layout and tables; nothing without the weights, or when the pipeline cannot."""
    weights = Path.home() / WEIGHTS
    if not weights.is_dir():
        return []
    try:
        model = importlib.import_module("docling.datamodel.base_models")
        options = importlib.import_module("docling.datamodel.pipeline_options").PdfPipelineOptions(
            artifacts_path=str(weights), do_ocr=True, do_table_structure=True
        )
        converters = importlib.import_module("docling.document_converter")
        by_format = {model.InputFormat.PDF: converters.PdfFormatOption(pipeline_options=options)}
        converter = converters.DocumentConverter(allowed_formats=list(by_format), format_options=by_format)
        stream = model.DocumentStream(name="scan.pdf", stream=io.BytesIO(content))
        document = converter.convert(stream).document
        return [str(document.export_to_markdown(page_no=page)) for page in range(1, pages + 1)]
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 - it is another's pipeline; the recognition alone still reads
        log.warning("docling's pipeline failed: %s", type(error).__name__)
        return []


def _by_ocr(document: pypdfium2.PdfDocument) -> list[str]:
    engine = importlib.import_module("rapidocr").RapidOCR()
    pages = [_lines(engine(page.render(scale=SCALE).to_numpy()), page.get_height()) for page in document]
    return layout.to_markdown(pages)


def _lines(found: Any, height: float) -> list[Line]:
    """Return what was recognised as lines in points from the lower left, those at one height as cells of one line."""
    if found.txts is None:
        return []
    lines: list[Line] = []
    for text, box, score in zip(found.txts, found.boxes, found.scores, strict=True):
        if score < SURE or not text.strip():
            continue
        xs, ys = [float(x) / SCALE for x, _ in box], [height - float(y) / SCALE for _, y in box]
        cell, top, bottom = Cell(text.strip(), min(xs)), max(ys), min(ys)
        last = lines[-1] if lines else None
        if last and last.right < cell.left and last.bottom < (top + bottom) / 2 < last.top:
            lines[-1] = Line((*last.cells, cell), last.left, last.bottom, max(xs), last.top, last.foot)
        else:
            lines.append(Line((cell,), min(xs), bottom, max(xs), top, bottom))
    return lines


def _heading(text: str) -> str:
    first = text.lstrip().partition("\n")[0]
    return first.lstrip("# ") if first.startswith("#") else ""
