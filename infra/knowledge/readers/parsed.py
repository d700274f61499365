"""A document after reading: Markdown sections under one title."""

from dataclasses import dataclass

SCANNED = (
    "the PDF is scanned (no text layer): run OCR first and add the result,"
    " or install the extra that reads such PDFs (`make setup-docling`) and add it again"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """Markdown text; `anchor` is what follows `#` in a link to it: empty, or such as `page=3`.

    `above`: the headings that it stands under, outermost first, where those are in another section.
    """

    anchor: str
    markdown: str
    above: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    """What a reader made of a file; `media_type` is what the file really is, whatever was claimed.

    `links`: addresses that a web page leads to, in its order, for a crawl.
    """

    title: str
    media_type: str
    sections: tuple[Section, ...]
    links: tuple[str, ...] = ()
