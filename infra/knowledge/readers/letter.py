"""A mail as a document: what it is about, who wrote it to whom, what it says, and what came with it."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from urllib.parse import quote

from core.errors import InputError
from infra.knowledge.readers.parsed import Parsed, Section

ATTACHMENTS = 20  # read of one mail; the others are named
NO_TEXT = "the mail has no text: add what was meant as a file of its own"

Attached = Callable[..., Parsed] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """`head`: what is shown above the text, such as ("From", "..."); `body`: Markdown; `files`: (name, type, bytes)."""

    subject: str
    head: tuple[tuple[str, str], ...]
    body: str
    files: tuple[tuple[str, str, bytes], ...]


def to_parsed(letter: Letter, media_type: str, attached: Attached) -> Parsed:
    """Return the mail as sections; an attachment that cannot be read is named with the reason."""
    title = " ".join(letter.subject.split())
    head = "\n".join(f"- {name}: {' '.join(value.split())}" for name, value in letter.head if value.strip())
    if not letter.body.strip() and not letter.files:
        raise InputError(NO_TEXT)
    parts = [f"# {title}" if title else "", head, letter.body.strip()]
    first = Section(anchor="", markdown="\n\n".join(part for part in parts if part))
    return Parsed(title=title, media_type=media_type, sections=(first, *_files(letter.files, attached)))


def _files(files: Iterable[tuple[str, str, bytes]], attached: Attached) -> Iterator[Section]:
    for number, (name, media_type, content) in enumerate(files):
        shown = " ".join(name.split()) or "without a name"
        above = (f"Attachment {shown}",)
        anchor = f"attachment={quote(shown[:80])}"
        if attached is None or number >= ATTACHMENTS:
            yield Section(anchor=anchor, markdown=f"The attachment {shown} was not read: add it by itself.")
            continue
        try:
            parsed = attached(content, name=name, media_type=media_type)
        except InputError as error:
            yield Section(anchor=anchor, markdown=f"The attachment {shown} was not read: {error}")
            continue
        for section in parsed.sections:
            yield replace(section, anchor=anchor, above=(*above, *section.above))
