"""One learning of one source: recorded, read, split, embedded, replaced. It ends in a state, always."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol

import structlog
from pgvector import HalfVector

from core import budgets
from core.documents import Learned, Place, Source, State
from core.errors import BotError, EmbedderDown, InputError
from core.ports import Embedder
from infra.knowledge.fetch import Fetched
from infra.knowledge.readers.parsed import Parsed
from infra.knowledge.split import Piece, split
from infra.knowledge.vectors import to_half
from infra.postgres import chunks, documents
from infra.postgres.chunks import NewChunk
from infra.postgres.documents import Started, to_sha
from infra.postgres.errors import OtherModel
from infra.postgres.pool import Connection, Database
from infra.postgres.text import clean

log = structlog.get_logger()

READING: Final = budgets.FETCH_TOTAL + budgets.PARSE_WALL + 60.0  # seconds after which a learning counts as lost
EMBEDDING: Final = 120.0  # the same while embedding, renewed with each batch
BATCH: Final = 32  # texts: two seconds of the embedded model, so that a killed learning loses no more

EMPTY: Final = "The document is empty: there is nothing to learn."
NO_TEXT: Final = "The document holds no text that could be read: if it is scanned, run it through OCR first."
STOPPED: Final = "It was stopped before it was done: add it again."
OVERTAKEN: Final = "A newer version was learned, or it was taken away, meanwhile."
OTHER_MODEL: Final = (
    "This workspace's documents were embedded by another model: "
    "run `vocero reindex --embedding-model M` before adding to them."
)


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
    fetch: Callable[[str], Awaitable[Fetched]]
    parse: Parse
    model: Callable[[], Awaitable[int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A document that was read and split, not yet live."""

    sha: bytes
    title: str
    url: str
    media_type: str
    pieces: Sequence[Piece]

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Learning:
    """`run` it once."""

    tools: Tools
    source: Source
    place: Place
    by: str
    force: bool

    async def run(self) -> Learned:
        """Learn the source; a failure is a state with its reason. KnowledgeDown when nothing could be recorded."""
        started = await self._start()
        if isinstance(started, Learned):
            return started
        try:
            learned = await self._learn(started)
        except BotError as error:
            learned = self._ended(started, State.FAILED, str(error))
        except asyncio.CancelledError:
            await asyncio.shield(self._finish(started, State.FAILED, STOPPED))
            raise
        except Exception as error:
            log.error("learning failed", document=started.name, error=type(error).__name__, exc_info=error)
            reason = f"An unexpected error ({type(error).__name__}): add it again, or look at the log."
            learned = self._ended(started, State.FAILED, reason)
        if learned.state is not State.INDEXED:
            await self._finish(started, learned.state, learned.reason)
        return learned

    async def _start(self) -> Started | Learned:
        """Record the learning; what was forgotten ends here, without a row that would hold its name again."""
        name = self.source.name
        async with self.tools.database.writing(self.place.workspace) as connection:
            workspace, collection = await documents.open_place(connection, self.place)
            if self.force:
                await documents.unbury(connection, workspace=workspace, source=name)
            elif day := await documents.forgotten(connection, workspace=workspace, source=name):
                return Learned(document="", source=name, state=State.FAILED, reason=_was_forgotten(day))
            return await documents.start(
                connection,
                workspace=workspace,
                collection=collection,
                source=self.source,
                by=self.by,
                seconds=READING,
            )

    async def _learn(self, started: Started) -> Learned:
        """Return how it ended; INDEXED only after the replacement was committed."""
        fetched = await self._read()
        sha = to_sha(fetched.content)
        renamed = self.source.title not in ("", started.title)
        if started.chunks and sha == started.content_sha and not renamed and not self.force:
            return self._ended(started, State.UNCHANGED)
        draft = await self._draft(fetched, sha)
        model = await self.tools.model()
        await self._embed(started, draft, model)
        if not await self._replace(started, draft, model):
            return self._ended(started, State.UNCHANGED, OVERTAKEN)
        return replace(self._ended(started, State.INDEXED), chunks=len(draft.pieces), title=draft.title)

    async def _read(self) -> Fetched:
        if self.source.url is not None:
            return await self.tools.fetch(self.source.url)
        return Fetched(
            url="",
            content=self.source.content or b"",
            media_type=self.source.media_type,
            etag="",
            last_modified="",
            changed=True,
        )

    async def _draft(self, fetched: Fetched, sha: bytes) -> Draft:
        if not fetched.content.strip():
            raise InputError(EMPTY)
        parsed = await self.tools.parse(fetched.content, name=self.source.name, media_type=fetched.media_type)
        title = clean(self.source.title or parsed.title or self.source.name).strip()
        sections = [replace(section, markdown=clean(section.markdown)) for section in parsed.sections]
        length = sum(len(section.markdown) for section in sections)
        if length > budgets.PARSE_CHARACTERS:
            most = f"{budgets.PARSE_CHARACTERS:,}"
            raise InputError(f"The document has {length:,} characters, more than {most}: split it and add the parts.")
        pieces = await asyncio.to_thread(split, sections, title=title)  # seconds of work for the largest
        if not any(mark.isalnum() for piece in pieces for mark in piece.text):
            raise InputError(NO_TEXT)
        url = self.source.url or ""
        return Draft(sha=sha, title=title, url=url, media_type=parsed.media_type, pieces=pieces)

    async def _embed(self, started: Started, draft: Draft, model: int) -> None:
        """Fill the embedding cache with the vectors that are missing, batch by batch, so that a later try goes on."""
        texts = draft.to_texts()
        at = started.at
        async with self.tools.database.writing(self.place.workspace) as connection:
            await self._admit(connection, started, draft, model)
            known = await chunks.cached(
                connection, workspace=at.workspace, model=model, document=at.id, shas=list(texts)
            )
        missing = [sha for sha in texts if sha not in known]
        for first in range(0, len(missing), BATCH):
            batch = missing[first : first + BATCH]
            vectors = await self._vectors([texts[sha] for sha in batch])
            async with self.tools.database.writing(self.place.workspace) as connection:
                await documents.lock(connection, at.workspace)  # so that nothing forgotten meanwhile is written
                if await documents.live_revision(connection, started) is None:
                    return
                stage = f"embedding {first + len(batch)} of {len(missing)} chunks"
                await documents.keep_alive(connection, started, stage=stage, seconds=EMBEDDING)
                found = dict(zip(batch, vectors, strict=True))
                await chunks.keep_vectors(
                    connection, workspace=at.workspace, model=model, document=at.id, vectors=found
                )

    async def _vectors(self, texts: list[str]) -> list[HalfVector]:
        vectors = await self.tools.embedder.embed(texts)
        if len(vectors) != len(texts):
            raise EmbedderDown("The embedder returned fewer vectors than it was given texts: check its model.")
        return [to_half(vector, self.tools.embedder.dimensions) for vector in vectors]

    async def _admit(self, connection: Connection, started: Started, draft: Draft, model: int) -> None:
        """Refuse what was forgotten, under this name or another, and a model that is not the workspace's."""
        workspace, name = started.at.workspace, self.source.name
        if self.force:
            await documents.unbury(connection, workspace=workspace, source=name, content_sha=draft.sha)
        if day := await documents.forgotten(connection, workspace=workspace, source=name, content_sha=draft.sha):
            raise InputError(_was_forgotten(day))
        if not await documents.choose_model(connection, workspace=workspace, model=model):
            raise OtherModel(OTHER_MODEL)

    async def _replace(self, started: Started, draft: Draft, model: int) -> bool:
        """Make the draft live in one transaction; return False if something newer is live or it was taken away."""
        at = started.at
        async with self.tools.database.writing(self.place.workspace) as connection:
            await documents.lock(connection, at.workspace, rows=len(draft.pieces))
            live = await documents.live_revision(connection, started)
            if live is None:
                return False
            await self._admit(connection, started, draft, model)
            gone = await chunks.delete_chunks(connection, workspace=at.workspace, document=at.id)
            new = draft.to_chunks(started.name, live + 1)
            await chunks.insert_chunks(connection, at=at, revision=live + 1, model=model, title=draft.title, chunks=new)
            await documents.publish(
                connection,
                started,
                title=draft.title,
                url=draft.url,
                media_type=draft.media_type,
                content_sha=draft.sha,
                revision=live + 1,
                chunks=len(new),
            )
            await documents.raise_edition(connection, at, chunks=len(new) - gone)
            await documents.audit(connection, workspace=at.workspace, action="learn", object_=started.name, by=self.by)
        return True

    async def _finish(self, started: Started, state: State, reason: str) -> None:
        async with self.tools.database.writing(self.place.workspace) as connection:
            await documents.finish(connection, started, state, reason)

    def _ended(self, started: Started, state: State, reason: str = "") -> Learned:
        """Return the end of a learning that changed nothing of what is live."""
        return Learned(
            document=started.name,
            source=self.source.name,
            state=state,
            chunks=started.chunks,
            reason=reason,
            title=started.title,
        )


def _was_forgotten(day: str) -> str:
    return f"It was forgotten on {day} and stays away: add it with --force if it may come back."
