"""A document after reading: Markdown sections under one title."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """Markdown text; `anchor` is what follows `#` in a link to it: empty, or `page=3` in a PDF."""

    anchor: str
    markdown: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    """What a reader made of a file; `media_type` is what the file really is, whatever was claimed."""

    title: str
    media_type: str
    sections: tuple[Section, ...]
