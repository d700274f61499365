"""A document between its source and the store: fetched or given, read, looked through for secrets, split."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol

from core import budgets
from core.documents import Source
from core.errors import InputError
from core.ports import Embedder
from infra.knowledge.fetch import Fetched
from infra.knowledge.readers.parsed import Parsed
from infra.knowledge.secrets import refuse_secrets
from infra.knowledge.split import Piece, split
from infra.postgres.attempts import Version
from infra.postgres.chunks import NewChunk
from infra.postgres.documents import to_sha
from infra.postgres.pool import Database
from infra.postgres.text import clean

EMPTY: Final = "The document is empty: there is nothing to learn."
NO_TEXT: Final = "The document holds no text that could be read: if it is scanned, run it through OCR first."


class Fetch(Protocol):
    """Fetches an address, or says that it has not changed; InputError or RefusedError with the reason to show."""

    async def __call__(self, url: str, *, etag: str = "", last_modified: str = "") -> Fetched:
        """Return what is there."""
        ...


class Parse(Protocol):
    """Reads a file as Markdown sections, or raises InputError with the reason."""

    async def __call__(self, content: bytes, *, name: str, media_type: str = "") -> Parsed:
        """Return what the bytes say."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """What every learning needs. `model` returns the number of the embedder's model."""

    database: Database
    embedder: Embedder
    fetch: Fetch
    parse: Parse
    model: Callable[[str], Awaitable[int]]  # of a workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A document that was read and split, not yet live."""

    sha: bytes | None
    title: str
    url: str
    media_type: str
    pieces: Sequence[Piece]
    etag: str = ""
    last_modified: str = ""

    def to_texts(self) -> dict[bytes, str]:
        """Return what is to be embedded, each text once, by its digest."""
        texts = [piece.to_embed(self.title) for piece in self.pieces]
        return {to_sha(text): text for text in texts}

    def to_chunks(self, document: str, revision: int) -> list[NewChunk]:
        """Return the chunks to store, under ids that name document, revision and place."""
        return [
            NewChunk(
                node_id=f"{document}.{revision}#{number}",
                text=piece.text,
                path=piece.path,
                anchor=piece.anchor,
                text_sha=to_sha(piece.to_embed(self.title)),
            )
            for number, piece in enumerate(self.pieces)
        ]

    def to_version(self, revision: int) -> Version:
        """Return what the document's row will say."""
        return Version(
            title=self.title,
            url=self.url,
            media_type=self.media_type,
            content_sha=self.sha,
            revision=revision,
            chunks=len(self.pieces),
            etag=self.etag,
            last_modified=self.last_modified,
        )


def given(source: Source) -> Fetched:
    """Return a source's own content as if it had been fetched."""
    content = source.content or b""
    return Fetched(url="", content=content, media_type=source.media_type, etag="", last_modified="", changed=True)


async def draft(source: Source, fetched: Fetched, parse: Parse, *, allow_secrets: bool = False) -> Draft:
    """Read and split what was fetched. InputError with the reason why it cannot be learned."""
    if not fetched.content.strip():
        raise InputError(EMPTY)
    name = fetched.url or source.name  # where the page is now: its links are relative to that
    parsed = await parse(fetched.content, name=name, media_type=fetched.media_type)
    title = clean(source.title or parsed.title or source.name).strip()
    sections = [replace(section, markdown=clean(section.markdown)) for section in parsed.sections]
    length = sum(len(section.markdown) for section in sections)
    if length > budgets.PARSE_CHARACTERS:
        most = f"{budgets.PARSE_CHARACTERS:,}"
        raise InputError(f"The document has {length:,} characters, more than {most}: split it and add the parts.")
    if not allow_secrets:
        await asyncio.to_thread(refuse_secrets, sections)
    pieces = await asyncio.to_thread(split, sections, title=title)  # seconds of work for the largest
    if not any(mark.isalnum() for piece in pieces for mark in piece.text):
        raise InputError(NO_TEXT)
    return Draft(
        sha=to_sha(fetched.content),
        title=title,
        url=source.url or "",
        media_type=parsed.media_type,
        pieces=pieces,
        etag=fetched.etag,
        last_modified=fetched.last_modified,
    )
