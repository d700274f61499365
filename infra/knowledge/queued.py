"""What is left to a worker: submitted with its job in one transaction, and carried out, crawls too."""

import time
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Final

from core.documents import Learned, Notice, Place, Source, State
from core.errors import InputError
from infra.knowledge.crawl import Crawl
from infra.knowledge.drafts import Tools
from infra.knowledge.learning import READING, Learning, refused_as_forgotten
from infra.postgres import attempts, documents, pending
from infra.postgres.documents import to_sha
from infra.postgres.pending import Given, Wish
from infra.postgres.pool import Connection, Database
from infra.postgres.started import Started

TRIES: Final = 12  # learnings of one content that ended with their worker; then it is taken for what ends them
DEADLY: Final = f"It ended the worker {TRIES} times while it was read: split it, or save it in another format."
SITEMAP: Final = "It is a sitemap: its pages were learned, and it has no text of its own."


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """The way in for who gives, and the way out for workers."""

    tools: Tools

    @property
    def _database(self) -> Database:
        return self.tools.database

    async def submit(
        self, sources: Sequence[Source], place: Place, wish: Wish, notice: Notice | None = None
    ) -> list[Learned]:
        """Record and queue all or none of them; each is `queued`, or at once `unchanged` or refused as forgotten."""
        began = time.monotonic()
        waiting: list[Started] = []
        ends: list[Learned] = []
        async with self._database.writing(place.workspace) as connection:
            workspace, collection = await documents.open_place(connection, place)
            if notice and await pending.told_before(connection, workspace, notice):
                return [Learned(document="", source=s.name, state=State.QUEUED, title=s.title) for s in sources]
            where = (place.workspace, workspace, collection)
            for source in sources:
                done = await self._at_once(connection, where, source, wish)
                if done is None:
                    waiting.append(await pending.queue(connection, place=where, source=source, wish=wish))
                ends.append(done or _queued(waiting[-1], source))
            if notice and waiting:
                await pending.notify(connection, workspace, notice, waiting)
        return [replace(end, seconds=time.monotonic() - began) for end in ends]

    async def _at_once(
        self, connection: Connection, where: tuple[str, int, int], source: Source, wish: Wish
    ) -> Learned | None:
        """Return how a source ends without any work; None when there is some."""
        _, workspace, collection = where
        sha = None if source.content is None else to_sha(source.content)
        refused = await refused_as_forgotten(connection, workspace, source.name, force=wish.force, content_sha=sha)
        if refused or sha is None or wish.force:
            return refused
        return await documents.same(connection, workspace, collection, source, sha)

    async def work(self, workspace: str, document: str) -> Learned | None:
        """Carry out what was submitted of a document; None when nothing waits any more."""
        began = time.monotonic()
        async with self._database.writing(workspace) as connection:
            claimed = await pending.claim(connection, document, seconds=READING)
        if claimed is None:
            return None
        started, given = claimed
        learning = Learning(
            tools=self.tools,
            workspace=workspace,
            source=given.source,
            by=given.wish.by,
            force=given.wish.force,
            allow_secrets=given.wish.allow_secrets,
            waits=given.waits,
        )
        if given.tries > TRIES:
            return await learning.ended(started, _deadly())
        if given.wish.depth:
            learned = await learning.ended(started, self._crawled(learning, started, given))
        else:
            learned = await learning.carry_out(started)
        return replace(learned, seconds=time.monotonic() - began)

    async def _crawled(self, learning: Learning, started: Started, given: Given) -> Learned:
        """Learn the pages below an address, and the address itself last: its end is that of the crawl."""
        walk = Crawl(self.tools.fetch, self.tools.parse)
        learning = replace(learning, tools=replace(self.tools, fetch=walk.again))
        first, counts, at_all = given.source.url or "", {True: 0, False: 0}, False
        async with self._database.reading(learning.workspace) as connection:
            place = await documents.place_of(connection, started.at, learning.workspace)
        async with aclosing(walk.pages(first, given.wish.depth)) as pages:
            async for page in pages:
                if page == walk.start:
                    at_all = True
                    continue
                learned = await replace(learning, source=Source(name=page, url=page), waits=None).run(place)
                counts[learned.state is not State.FAILED] += 1
                if not await self._goes_on(learning.workspace, started, counts):
                    break
        if not at_all:
            return Learned(document=started.name, source=first, state=State.UNCHANGED, reason=SITEMAP)
        return await learning.read_and_replace(started)

    async def _goes_on(self, workspace: str, started: Started, counts: dict[bool, int]) -> bool:
        """Give the crawl more time; False when it was overtaken or taken away."""
        async with self._database.writing(workspace) as connection:
            stage = f"crawling: {sum(counts.values())} pages"
            await attempts.keep_alive(connection, started, stage=stage, seconds=READING)
            await pending.count_pages(connection, started, learned=counts[True], failed=counts[False])
            return await attempts.live(connection, started) is not None


def _queued(started: Started, source: Source) -> Learned:
    title = source.title or started.title
    return Learned(document=started.name, source=source.name, state=State.QUEUED, chunks=started.chunks, title=title)


async def _deadly() -> Learned:
    raise InputError(DEADLY)
