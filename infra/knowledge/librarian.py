"""The librarian: learns, shows, shares, takes back and forgets documents. Readers see the old version until the new one
is whole."""

import time
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from core.audience import Audience, to_scope
from core.documents import Chunk, Document, Learned, Place, Receipt, Source, State
from core.errors import EmbedderDown, InputError, RefusedError
from core.ports import Embedder
from infra.knowledge.crawl import Crawl
from infra.knowledge.drafts import Draft, Fetch, Parse, Tools
from infra.knowledge.learning import READING, Learning, refused_as_forgotten
from infra.knowledge.split import Piece
from infra.postgres import attempts, chunks, documents, jobs, tombstones, versions
from infra.postgres.documents import Shelved, to_sha
from infra.postgres.forgetting import erase
from infra.postgres.moving import move
from infra.postgres.pool import Connection, Database
from infra.postgres.text import clean

NAME: Final = 2_000  # characters of a source's name: the longest URL that browsers keep
WORKSPACE: Final = 200  # characters of a workspace's name
TRIES: Final = 12  # learnings of one content that ended with their worker; then it is taken for what ends them

UNPROVABLE: Final = (
    "Copies outside Vocero (the original, the chat platform's messages, people's own) are not ours to delete.",
    "Backups of the database made before now still hold it until they expire.",
)
PENDING: Final = (
    "The bytes leave the database's files with `vocero upkeep --wipe`; "
    "the nightly `vocero upkeep` alone frees their room, where they stay until something else is written there.",
)
DEADLY: Final = f"It ended the worker {TRIES} times while it was read: split it, or save it in another format."
NOT_AN_ADDRESS: Final = "This document was not fetched from an address: add its new version instead."


class Librarian:
    """The port `Librarian`. `fetch` and `parse` raise InputError or RefusedError with the reason to show."""

    def __init__(self, database: Database, embedder: Embedder, *, fetch: Fetch, parse: Parse) -> None:
        self._database = database
        self.tools = Tools(database=database, embedder=embedder, fetch=fetch, parse=parse, model=self._register_model)
        self._model: int | None = None

    async def sweep(self) -> int:
        """Mark as failed what is past its deadline in any workspace; return how many. At start, and now and then."""
        return int((await self._database.fetch("select vocero.sweep()", ()))[0][0])

    async def worker_lives(self) -> bool:
        """Whether a worker is there to take what is submitted. KnowledgeDown."""
        return await jobs.worker_lives(self._database)

    async def learn(
        self, source: Source, place: Place, *, by: str = "", force: bool = False, allow_secrets: bool = False
    ) -> Learned:
        """Fetch, read, split, embed and replace in one transaction; a failure is a state with a reason, not an error.

        `force` reads again even what has the same bytes, and lifts what forgetting left behind. InputError when source
        or place make no sense, KnowledgeDown when nothing could be recorded.
        """
        began = time.monotonic()
        _refuse(source, place)
        learning = self._learning(place.workspace, source, by=by, force=force, allow_secrets=allow_secrets)
        return replace(await learning.run(place), seconds=time.monotonic() - began)

    async def submit(
        self, source: Source, place: Place, *, by: str = "", force: bool = False, allow_secrets: bool = False
    ) -> Learned:
        """Leave the learning to a worker: recorded and queued in one transaction, or unchanged at once."""
        began = time.monotonic()
        _refuse(source, place)
        sha = None if source.content is None else to_sha(source.content)
        async with self._database.writing(place.workspace) as connection:
            workspace, collection = await documents.open_place(connection, place)
            refused = await refused_as_forgotten(connection, workspace, source.name, force=force, content_sha=sha)
            if refused:
                return refused
            known = await documents.same(connection, workspace, collection, source, sha) if sha and not force else None
            if known:
                return replace(known, seconds=time.monotonic() - began)
            started = await attempts.queue(
                connection,
                place=(place.workspace, workspace, collection),
                source=source,
                by=by,
                force=force,
                allow_secrets=allow_secrets,
            )
        seconds = time.monotonic() - began
        title = source.title or started.title
        return Learned(
            document=started.name,
            source=source.name,
            state=State.QUEUED,
            chunks=started.chunks,
            seconds=seconds,
            title=title,
        )

    async def work(self, workspace: str, document: str) -> Learned | None:
        """Carry out what was submitted of a document; None when nothing waits any more. For workers."""
        began = time.monotonic()
        async with self._database.writing(workspace) as connection:
            claimed = await attempts.claim(connection, document, seconds=READING)
        if claimed is None:
            return None
        started, given = claimed
        learning = Learning(
            tools=self.tools,
            workspace=workspace,
            source=given.source,
            by=given.by,
            force=given.force,
            allow_secrets=given.allow_secrets,
            waits=given.waits,
        )
        if given.tries > TRIES:
            return await learning.ended(started, _deadly())
        return replace(await learning.carry_out(started), seconds=time.monotonic() - began)

    async def crawl(
        self, url: str, place: Place, *, depth: int, by: str = "", force: bool = False, allow_secrets: bool = False
    ) -> AsyncIterator[Learned]:
        """Learn the pages of a site below an address, each as a document; yield how each ended. InputError."""
        walk = Crawl(self.tools.fetch, self.tools.parse)
        tools = replace(self.tools, fetch=walk.again)
        async for page in walk.pages(url, depth):
            began = time.monotonic()
            source = Source(name=page, url=page)
            _refuse(source, place)
            learning = self._learning(place.workspace, source, by=by, force=force, allow_secrets=allow_secrets)
            learned = await replace(learning, tools=tools).run(place)
            yield replace(learned, seconds=time.monotonic() - began)

    async def documents(self, workspace: str, audience: Audience | None = None) -> list[Document]:
        """Return all documents (None: whoever may see them), newest change first. UnknownError, KnowledgeDown."""
        async with self._database.reading(workspace) as connection:
            return await documents.listed(connection, workspace, None if audience is None else sorted(audience.scopes))

    async def document(self, workspace: str, document: str) -> tuple[Document, list[Chunk]]:
        """Return one document by id, title or source, with its chunks. UnknownError, KnowledgeDown."""
        async with self._database.reading(workspace) as connection:
            at, found, _ = await documents.find(connection, workspace, document)
            return found, await documents.chunks_of(connection, at)

    async def refresh(self, workspace: str, document: str, *, by: str = "", force: bool = False) -> Learned:
        """Fetch a document again from its address, if the site says that it changed. RefusedError if it has none."""
        found, _ = await self.document(workspace, document)
        if not found.url:
            raise RefusedError(NOT_AN_ADDRESS)
        place = Place(workspace=workspace, collection=found.collection, scope=found.scope)
        return await self.learn(Source(name=found.source, url=found.url), place, by=by, force=force)

    async def undo(self, workspace: str, document: str = "", *, by: str = "") -> Learned:
        """Take back the last change, of a document or of them all; again, and that is taken back. InputError."""
        async with self._database.writing(workspace) as connection:
            workspace_id = await documents.workspace_id(connection, workspace)
            await documents.lock(connection, workspace_id)
            at, found, _ = await documents.find(
                connection, workspace, document or await versions.last_changed(connection)
            )
            before = await versions.kept(connection, at)
            if before.change == "share":
                place = Place(workspace=workspace, collection=before.collection, scope=before.scope)
                await self._move(connection, at, place, found.id, action="undo", by=by)
                return _learned(found)
            if not before.texts:
                await self._take_away(connection, at, found.id, action="undo", by=by)
                return replace(_learned(found), state=State.REMOVED, chunks=0)
            source = Source(name=found.source, content=b"", title=before.title)
            started = await attempts.start(
                connection, workspace=at.workspace, collection=at.collection, source=source, by=by, seconds=READING
            )
        return await self._learning(workspace, source, by=by).restore(started, _draft(before))

    async def share(self, workspace: str, document: str, scope: str, *, by: str = "", collection: str = "") -> Document:
        """Move a document to those of another scope. InputError, UnknownError, KnowledgeDown."""
        place = Place(workspace=workspace, collection=collection, scope=to_scope(scope))
        async with self._database.writing(workspace) as connection:
            await documents.lock(connection, await documents.workspace_id(connection, workspace))
            at, found, _ = await documents.find(connection, workspace, document)
            await self._move(connection, at, place, found.id, action="share", by=by)
            return (await documents.find(connection, workspace, found.id))[1]

    async def remove(self, workspace: str, document: str, *, by: str = "") -> Document:
        """Take a document out of every answer; it can be learned again. UnknownError, KnowledgeDown."""
        async with self._database.writing(workspace) as connection:
            await documents.lock(connection, await documents.workspace_id(connection, workspace))
            at, found, _ = await documents.find(connection, workspace, document)
            await self._take_away(connection, at, found.id, action="remove", by=by)
            return (await documents.find(connection, workspace, found.id))[1]

    async def forget(self, workspace: str, document: str, *, by: str = "") -> Receipt:
        """Delete a document and all that came from it; a tombstone keeps it away. UnknownError, KnowledgeDown."""
        async with self._database.writing(workspace) as connection:
            await documents.lock(connection, await documents.workspace_id(connection, workspace))
            at, found, sha = await documents.find(connection, workspace, document)
            gone = await erase(connection, at, workspace, found.id)
            await documents.raise_edition(connection, at, chunks=-dict(gone)["chunks"])
            await tombstones.bury(connection, workspace=at.workspace, source=found.source, content_sha=sha)
            await documents.audit(connection, workspace=at.workspace, action="forget", object_=found.id, by=by)
        return Receipt(
            kind="document",
            id=found.id,
            workspace=workspace,
            when=datetime.now(UTC),
            gone=gone,
            pending=PENDING,
            unprovable=UNPROVABLE,
        )

    async def prefer(self, place: Place, *, by: str = "") -> None:
        """Let documents of the place's scope go to its collection when none is named. InputError, KnowledgeDown."""
        async with self._database.writing(place.workspace) as connection:
            workspace, _ = await documents.open_place(connection, place)
            await documents.prefer(connection, workspace, place, by=by)
            action = f"default for {place.scope}"
            await documents.audit(connection, workspace=workspace, action=action, object_=place.name, by=by)

    async def _move(
        self, connection: Connection, at: Shelved, place: Place, name: str, *, action: str, by: str
    ) -> None:
        await versions.keep(connection, at, change="share")
        await move(connection, at, place)
        await documents.audit(connection, workspace=at.workspace, action=action, object_=name, by=by)

    async def _take_away(self, connection: Connection, at: Shelved, name: str, *, action: str, by: str) -> None:
        await versions.keep(connection, at, change="remove")
        gone = await chunks.delete_chunks(connection, workspace=at.workspace, document=at.id)
        await documents.mark_removed(connection, at)
        await attempts.drop_pending(connection, at)
        await documents.raise_edition(connection, at, chunks=-gone)
        await documents.audit(connection, workspace=at.workspace, action=action, object_=name, by=by)

    def _learning(
        self, workspace: str, source: Source, *, by: str, force: bool = False, allow_secrets: bool = False
    ) -> Learning:
        return Learning(
            tools=self.tools, workspace=workspace, source=source, by=by, force=force, allow_secrets=allow_secrets
        )

    async def _register_model(self) -> int:
        """Return the number of the embedder's model, whose table of vectors is made at the first use."""
        if self._model is None:
            embedder = self.tools.embedder
            try:
                model = embedder.name, embedder.dimensions
            except EmbedderDown:  # it was down at the start, and has no name before it answers
                await embedder.embed(["ready?"])
                model = embedder.name, embedder.dimensions
            rows = await self._database.fetch("select vocero.register_model(%s, %s)", model)
            self._model = int(rows[0][0])
        return self._model


async def _deadly() -> Learned:
    raise InputError(DEADLY)


def _draft(before: versions.Kept) -> Draft:
    return Draft(
        sha=before.content_sha,
        title=before.title,
        url=before.url,
        media_type=before.media_type,
        pieces=[Piece(text=text, path=path, anchor=anchor) for text, path, anchor in before.texts],
        etag=before.etag,
        last_modified=before.last_modified,
    )


def _learned(found: Document) -> Learned:
    return Learned(document=found.id, source=found.source, state=State.INDEXED, chunks=found.chunks, title=found.title)


def _refuse(source: Source, place: Place) -> None:
    """Raise InputError for what can never be recorded."""
    to_scope(place.scope)
    if not source.name.strip() or len(source.name) > NAME:
        raise InputError(f"A source needs a name of 1 to {NAME:,} characters.")
    if (source.url is None) == (source.content is None):
        raise InputError("A source is a URL or its content, and not both.")
    for name in (source.name, place.workspace, place.name):
        if clean(name) != name:
            raise InputError("Names must be plain text, without NUL: rename the source, workspace or collection.")
    if not place.workspace or len(place.workspace) > WORKSPACE or any(mark.isspace() for mark in place.workspace):
        raise InputError("A workspace is named by up to 200 characters without spaces, such as local or slack/T1.")
