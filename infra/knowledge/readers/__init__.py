"""What an admin's file says, as Markdown: one small reader per format, all pure, all run in a child with limits."""

import importlib
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import cast

from core.budgets import PARSE_CHARACTERS
from core.errors import InputError
from infra.knowledge.readers.clean import clean, has_words
from infra.knowledge.readers.decode import charset_of, decode
from infra.knowledge.readers.detect import Kind, detect, suffix_of
from infra.knowledge.readers.parsed import Parsed, Section
from infra.knowledge.readers.titles import title_from_name, title_from_text

EMPTY = "the document has no text: add one that has"
LONG = f"the document has more than {PARSE_CHARACTERS:,} characters: split it and add the parts"


Read = Callable[[bytes], Parsed]
READERS = "infra.knowledge.readers."
BINARY = {Kind.PDF: "pdf", Kind.DOCX: "docx", Kind.PPTX: "pptx", Kind.XLSX: "xlsx"}
MAILS = {Kind.MAIL: "mail", Kind.OUTLOOK: "outlook"}
SLOW = {"pdf", "docx", "pptx", "xlsx", "html", "htm"}  # whose libraries take long to import


def read(content: bytes, *, name: str, media_type: str = "", inner: bool = False) -> Parsed:
    """Read one file of any supported kind; raises InputError with reason and remedy.

    `name` may be the address of a page: its links are then resolved. `inner`: it is an attachment, whose own
    attachments are not read.
    """
    if not content.strip():
        raise InputError(EMPTY)
    kind = detect(content, name=name, media_type=media_type)
    parsed = _read(kind, content, name, charset_of(media_type), inner)
    sections = tuple(_cleaned(parsed.sections))
    if not sections:
        raise InputError(EMPTY)
    if sum(len(section.markdown) for section in sections) > PARSE_CHARACTERS:
        raise InputError(LONG)
    title = clean(parsed.title).replace("\n", " ") or title_from_name(name) or title_from_text(sections[0].markdown)
    return replace(parsed, title=title, media_type=kind.value, sections=sections)


def warm(name: str) -> None:
    """Import the reader that a file of this name will need, if it is a slow one: what is forked later has it then."""
    suffix = suffix_of(name)
    if suffix in SLOW:
        importlib.import_module(READERS + {"htm": "html"}.get(suffix, suffix))


def _cleaned(sections: tuple[Section, ...]) -> list[Section]:
    cleaned = [
        replace(section, markdown=clean(section.markdown), above=tuple(map(clean, section.above)))
        for section in sections
    ]
    return [section for section in cleaned if has_words(section.markdown)]


def _read(kind: Kind, content: bytes, name: str, charset: str, inner: bool) -> Parsed:
    """Call the reader of a kind; its library is imported only now, since a folder seldom holds every kind."""
    if kind in BINARY:
        return cast("Parsed", importlib.import_module(READERS + BINARY[kind]).read(content))
    if kind in MAILS:
        attached = None if inner else partial(read, inner=True)
        return cast("Parsed", importlib.import_module(READERS + MAILS[kind]).read(content, attached))
    return _read_text(kind, decode(content, charset), name)


def _read_text(kind: Kind, text: str, name: str) -> Parsed:
    suffix = suffix_of(name)
    if kind is Kind.HTML:
        from infra.knowledge.readers.html import read as read_html

        return read_html(text, address=name if "://" in name else "")
    if kind is Kind.MARKDOWN:
        from infra.knowledge.readers.markdown import read as read_markdown

        return read_markdown(text)
    if kind is Kind.CSV:
        from infra.knowledge.readers.delimited import read as read_delimited

        return read_delimited(text, suffix=suffix)
    if kind in (Kind.JSON, Kind.XML):
        from infra.knowledge.readers.data import read_json, read_xml

        return read_xml(text) if kind is Kind.XML else read_json(text, suffix=suffix)
    from infra.knowledge.readers.text import read as read_plain

    return read_plain(text, suffix=suffix)
