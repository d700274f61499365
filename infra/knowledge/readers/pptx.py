"""PowerPoint presentations: a section a slide, with its title, its texts in reading order, tables and notes."""

import io
from collections.abc import Iterable, Iterator
from typing import Any

from pptx import Presentation
from pptx.exc import PythonPptxError

from core.budgets import PARSE_PAGES
from core.errors import InputError
from infra.knowledge.readers.archive import DAMAGED, checked, whole
from infra.knowledge.readers.detect import Kind
from infra.knowledge.readers.parsed import Parsed, Section
from infra.knowledge.readers.rows import to_markdown
from infra.knowledge.readers.titles import sensible

WHAT = "PowerPoint presentation"
LONG = f"the presentation has more than {PARSE_PAGES:,} slides: split it and add the parts"
DEEPEST = 50  # groups within groups
ROW = 200_000  # EMU, a fifth of an inch: texts that begin so near each other stand in one line


def read(content: bytes) -> Parsed:
    """Read a PPTX; no hidden slides, pictures or charts."""
    stated = checked(content, WHAT)
    try:
        with whole(WHAT):
            slides = list(Presentation(io.BytesIO(content)).slides)
            if len(slides) > PARSE_PAGES:
                raise InputError(LONG)
            sections = tuple(_section(n, slide) for n, slide in enumerate(slides, 1) if _visible(slide))
            first = _title(slides[0]) if slides else ""
    except PythonPptxError as error:
        raise InputError(DAMAGED.format(what=WHAT)) from error
    return Parsed(title=sensible(stated) or sensible(first), media_type=Kind.PPTX, sections=sections)


def _visible(slide: Any) -> bool:
    return bool(slide._element.get("show") != "0")  # noqa: SLF001 - the library has no name for it


def _title(slide: Any) -> str:
    title = slide.shapes.title
    return " ".join(title.text_frame.text.split()) if title is not None and title.has_text_frame else ""


def _section(number: int, slide: Any) -> Section:
    title = _title(slide)
    shapes = sorted(_flat(slide.shapes), key=lambda shape: ((shape.top or 0) // ROW, shape.left or 0))
    own = slide.shapes.title
    parts = [part for shape in shapes if own is None or shape.shape_id != own.shape_id for part in _texts(shape)]
    if slide.has_notes_slide and slide.notes_slide.notes_text_frame is not None:
        notes = slide.notes_slide.notes_text_frame.text.strip()
        parts += [f"Notes: {notes}"] if notes else []
    return Section(anchor=f"slide={number}", markdown="\n\n".join([*([f"# {title}"] if title else []), *parts]))


def _flat(shapes: Iterable[Any], depth: int = 0) -> Iterator[Any]:
    for shape in shapes:
        if hasattr(shape, "shapes") and depth < DEEPEST:
            yield from _flat(shape.shapes, depth + 1)
        else:
            yield shape


def _texts(shape: Any) -> Iterator[str]:
    if getattr(shape, "has_table", False):
        yield to_markdown([[cell.text for cell in row.cells] for row in shape.table.rows])
    elif shape.has_text_frame:
        paragraphs = [(p.level, " ".join(p.text.split())) for p in shape.text_frame.paragraphs]
        said = [(level, text) for level, text in paragraphs if text]
        if len(said) == 1:
            yield said[0][1]
        elif said:
            yield "\n".join(f"{'  ' * level}- {text}" for level, text in said)
