"""What an admin's file says, as Markdown: one small reader per format, all pure, all run in a child with limits."""

from collections.abc import Callable
from dataclasses import replace

from core.budgets import PARSE_CHARACTERS
from core.errors import InputError
from infra.knowledge.readers.clean import clean, has_words
from infra.knowledge.readers.decode import charset_of, decode
from infra.knowledge.readers.detect import Kind, detect, suffix_of
from infra.knowledge.readers.parsed import Parsed, Section
from infra.knowledge.readers.titles import title_from_name, title_from_text

EMPTY = "the document has no text: add one that has"
LONG = f"the document has more than {PARSE_CHARACTERS:,} characters: split it and add the parts"


def read(content: bytes, *, name: str, media_type: str = "") -> Parsed:
    """Read one file of any supported kind; raises InputError with reason and remedy."""
    if not content.strip():
        raise InputError(EMPTY)
    kind = detect(content, name=name, media_type=media_type)
    parsed = _reader(kind, name, charset_of(media_type))(content)
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
    if suffix == "pdf":
        import infra.knowledge.readers.pdf
    elif suffix == "docx":
        import infra.knowledge.readers.docx
    elif suffix in {"html", "htm"}:
        import infra.knowledge.readers.html  # noqa: F401


def _cleaned(sections: tuple[Section, ...]) -> list[Section]:
    cleaned = [replace(section, markdown=clean(section.markdown)) for section in sections]
    return [section for section in cleaned if has_words(section.markdown)]


def _reader(kind: Kind, name: str, charset: str) -> Callable[[bytes], Parsed]:
    """The reader of a kind; its library is imported only now, since a folder seldom holds every kind."""
    if kind is Kind.PDF:
        from infra.knowledge.readers.pdf import read as read_pdf

        return read_pdf
    if kind is Kind.DOCX:
        from infra.knowledge.readers.docx import read as read_docx

        return read_docx
    return lambda content: _read_text(kind, decode(content, charset), suffix_of(name))


def _read_text(kind: Kind, text: str, suffix: str) -> Parsed:
    if kind is Kind.HTML:
        from infra.knowledge.readers.html import read as read_html

        return read_html(text)
    if kind is Kind.MARKDOWN:
        from infra.knowledge.readers.markdown import read as read_markdown

        return read_markdown(text)
    from infra.knowledge.readers.text import read as read_plain

    return read_plain(text, suffix=suffix)
