"""The librarian: learns, shows, shares, takes back and forgets documents. Readers see the old version until the new one
is whole."""

import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Final

from core.audience import Audience, to_scope
from core.documents import Chunk, Document, Learned, Notice, Place, Receipt, Source
from core.errors import EmbedderDown, InputError, RefusedError, UnknownError
from core.forgetting import to_receipt
from core.ports import Embedder
from infra.knowledge.crawl import Crawl
from infra.knowledge.drafts import Fetch, Parse, Tools
from infra.knowledge.learning import READING, Learning
from infra.knowledge.queued import Queue
from infra.knowledge.shelving import take_away, to_draft, transfer, undo_in_place
from infra.postgres import attempts, documents, jobs, receipts, tombstones, versions
from infra.postgres.forgetting import erase
from infra.postgres.pending import Wish
from infra.postgres.pool import Database
from infra.postgres.text import clean

NAME: Final = 2_000  # characters of a source's name: the longest URL that browsers keep
WORKSPACE: Final = 200  # characters of a workspace's name
NOT_AN_ADDRESS: Final = "This document was not fetched from an address: add its new version instead."


class Librarian:
    """The port `Librarian`. `fetch` and `parse` raise InputError or RefusedError with the reason to show."""

    def __init__(
        self,
        database: Database,
        embedder: Embedder,
        *,
        fetch: Fetch,
        parse: Parse,
        told: Callable[[Learned], None] = lambda _: None,
    ) -> None:
        """Keep what is given; `told` hears how each learning ended."""
        self._told = told
        self._database = database
        self.tools = Tools(database=database, embedder=embedder, fetch=fetch, parse=parse, model=self._register_model)
        self._queue = Queue(tools=self.tools)
        self._models: dict[Database, int] = {}  # by where a workspace lives

    async def sweep(self) -> int:
        """Mark as failed what is past its deadline in any workspace; return how many. At start, and now and then."""
        return sum(int(ended) for (ended,) in await self._database.everywhere("select vocero.sweep()", ()))

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
        return self._ended(await learning.run(place), began)

    async def submit(
        self, source: Source, place: Place, *, by: str = "", force: bool = False, allow_secrets: bool = False
    ) -> Learned:
        """Leave the learning to a worker: recorded and queued in one transaction, or unchanged at once."""
        _refuse(source, place)
        wish = Wish(by=by, force=force, allow_secrets=allow_secrets)
        return (await self._queue.submit([source], place, wish))[0]

    async def submit_all(
        self, sources: Sequence[Source], place: Place, *, by: str = "", depth: int = 0, notice: Notice | None = None
    ) -> list[Learned]:
        """Leave several to a worker, all or none; who is to be noticed hears, once, how they ended."""
        for source in sources:
            _refuse(source, place)
        return await self._queue.submit(sources, place, Wish(by=by, depth=depth), notice)

    async def work(self, workspace: str, document: str) -> Learned | None:
        """Carry out what was submitted of a document; None when nothing waits any more. For workers."""
        began = time.monotonic()
        learned = await self._queue.work(workspace, document)
        return self._ended(learned, began) if learned else None

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
            yield self._ended(learned, began)

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
            named = document or await versions.last_changed(connection)
            at, found, _ = await documents.find(connection, workspace, named)
            before = await versions.kept(connection, at)
            done = await undo_in_place(connection, workspace, at, found, before, by=by)
            if done:
                return done
            source = Source(name=found.source, content=b"", title=before.title)
            started = await attempts.start(
                connection, workspace=at.workspace, collection=at.collection, source=source, by=by, seconds=READING
            )
        return await self._learning(workspace, source, by=by).restore(started, to_draft(before))

    async def share(self, workspace: str, document: str, scope: str, *, by: str = "", collection: str = "") -> Document:
        """Move a document to those of another scope. InputError, UnknownError, KnowledgeDown."""
        place = Place(workspace=workspace, collection=collection, scope=to_scope(scope))
        async with self._database.writing(workspace) as connection:
            await documents.lock(connection, await documents.workspace_id(connection, workspace))
            at, found, _ = await documents.find(connection, workspace, document)
            await transfer(connection, at, place, found.id, action="share", by=by)
            return (await documents.find(connection, workspace, found.id))[1]

    async def remove(self, workspace: str, document: str, *, by: str = "") -> Document:
        """Take a document out of every answer; it can be learned again. UnknownError, KnowledgeDown."""
        async with self._database.writing(workspace) as connection:
            await documents.lock(connection, await documents.workspace_id(connection, workspace))
            at, found, _ = await documents.find(connection, workspace, document)
            await take_away(connection, at, found.id, action="remove", by=by)
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
            await receipts.open_one(connection, at.workspace, "document", found.id)
        return to_receipt("document", found.id, workspace, gone)

    async def receipt(self, workspace: str, kind: str, name: str) -> Receipt:
        """Return the last receipt of a forgetting, with when its bytes left the files. UnknownError, KnowledgeDown."""
        async with self._database.reading(workspace) as connection:
            return await receipts.find(connection, workspace, kind, name)

    async def prefer(self, place: Place, *, by: str = "") -> None:
        """Let documents of the place's scope go to its collection when none is named. InputError, KnowledgeDown."""
        async with self._database.writing(place.workspace) as connection:
            workspace, _ = await documents.open_place(connection, place)
            await documents.prefer(connection, workspace, place, by=by)
            action = f"default for {place.scope}"
            await documents.audit(connection, workspace=workspace, action=action, object_=place.name, by=by)

    def _ended(self, learned: Learned, began: float) -> Learned:
        """Return how a learning ended, with its seconds, after telling of it."""
        learned = replace(learned, seconds=time.monotonic() - began)
        self._told(learned)
        return learned

    async def note_refusal(self, workspace: str, action: str, *, by: str) -> None:
        """Keep in the audit that someone was refused; nothing for an unknown workspace. KnowledgeDown."""
        async with self._database.writing(workspace) as connection:
            with suppress(UnknownError):
                number = await documents.workspace_id(connection, workspace)
                await documents.audit(connection, workspace=number, action=f"refused {action}", object_="", by=by)

    def _learning(
        self, workspace: str, source: Source, *, by: str, force: bool = False, allow_secrets: bool = False
    ) -> Learning:
        return Learning(
            tools=self.tools, workspace=workspace, source=source, by=by, force=force, allow_secrets=allow_secrets
        )

    async def _register_model(self, workspace: str) -> int:
        """Return the number of the embedder's model, whose table of vectors is made at the first use."""
        home = self._database.at(workspace)
        if home not in self._models:
            embedder = self.tools.embedder
            try:
                model = embedder.name, embedder.dimensions
            except EmbedderDown:  # it was down at the start, and has no name before it answers
                await embedder.embed(["ready?"])
                model = embedder.name, embedder.dimensions
            rows = await home.fetch("select vocero.register_model(%s, %s)", model)
            self._models[home] = int(rows[0][0])
        return self._models[home]


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
