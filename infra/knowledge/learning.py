"""One learning of one source: recorded, read, split, embedded, replaced. It ends in a state, always."""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass, replace
from typing import Final

import structlog
from pgvector import HalfVector

from core import budgets
from core.documents import Learned, Place, Source, State
from core.errors import BotError, EmbedderDown, InputError, KnowledgeDown
from infra.knowledge.drafts import Draft, Tools, draft, given
from infra.knowledge.fetch import Fetched, PassingError
from infra.knowledge.scans import interpreter
from infra.knowledge.vectors import to_half
from infra.postgres import attempts, chunks, documents, pending, tombstones, versions
from infra.postgres.documents import to_sha
from infra.postgres.errors import OtherModel
from infra.postgres.pool import Connection
from infra.postgres.started import Started

log = structlog.get_logger()

# seconds after which a learning counts as lost
READING: Final = budgets.FETCH_TOTAL + budgets.PARSE_WALL + 60.0 + (budgets.OCR_WALL if interpreter() else 0.0)
EMBEDDING: Final = 120.0  # the same while embedding, renewed with each batch
BATCH: Final = 32  # texts: two seconds of the embedded model, so that a killed learning loses no more
WAITS: Final = (10.0, 60.0, 300.0)  # seconds until a queued learning is tried again when something was away

STOPPED: Final = "It was stopped before it was done: add it again."
OVERTAKEN: Final = "A newer version was learned, or it was taken away, meanwhile."
OTHER_MODEL: Final = (
    "This workspace's documents were embedded by another model: "
    "run `vocero reindex --embedding-model M` before adding to them."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Learning:
    """`run` it once, or `carry_out` what was begun. `waits`: how often it was put off; None: it is not put off."""

    tools: Tools
    workspace: str
    source: Source
    by: str = ""
    force: bool = False
    allow_secrets: bool = False
    waits: int | None = None

    async def run(self, place: Place) -> Learned:
        """Learn the source; a failure is a state with its reason. KnowledgeDown when nothing could be recorded."""
        started = await self._start(place)
        return started if isinstance(started, Learned) else await self.carry_out(started)

    async def carry_out(self, started: Started) -> Learned:
        """Read, embed and replace what was begun."""
        return await self.ended(started, self.read_and_replace(started))

    async def restore(self, started: Started, version: Draft) -> Learned:
        """Make an earlier version live again."""
        return await self.ended(started, self._make_live(started, version, "undo"))

    async def ended(self, started: Started, work: Awaitable[Learned]) -> Learned:
        """Wait for the work; however it ends, the document's state says so."""
        try:
            learned = await work
        except (EmbedderDown, KnowledgeDown, PassingError) as error:
            if self.waits is not None and self.waits < len(WAITS) and not isinstance(error, OtherModel):
                return await self._postponed(started, str(error))
            learned = self._unchanged(started, State.FAILED, str(error))
        except BotError as error:
            learned = self._unchanged(started, State.FAILED, str(error))
        except asyncio.CancelledError:
            await asyncio.shield(self._stopped(started))
            raise
        except Exception as error:
            log.error("learning failed", document=started.name, error=type(error).__name__, exc_info=error)
            reason = f"An unexpected error ({type(error).__name__}): add it again, or look at the log."
            learned = self._unchanged(started, State.FAILED, reason)
        if learned.state is not State.INDEXED:
            await self._finish(started, learned.state, learned.reason)
        return learned

    async def _start(self, place: Place) -> Started | Learned:
        """Record the learning; what is unchanged ends here, and what was forgotten, without a row with its name."""
        async with self.tools.database.writing(self.workspace) as connection:
            workspace, collection = await documents.open_place(connection, place)
            done = await refused_as_forgotten(connection, workspace, self.source.name, force=self.force)
            if not done and self.source.content is not None and not self.force:
                sha = to_sha(self.source.content)  # the same bytes again: over in this one transaction
                done = await documents.same(connection, workspace, collection, self.source, sha)
            return done or await attempts.start(
                connection,
                workspace=workspace,
                collection=collection,
                source=self.source,
                by=self.by,
                seconds=READING,
            )

    async def read_and_replace(self, started: Started) -> Learned:
        """Return how it ended; INDEXED only after the replacement was committed. BotError with the reason."""
        renamed = self.source.title not in ("", started.title)
        known = bool(started.chunks) and not renamed and not self.force
        fetched = await self._read(started if known else None)
        if not fetched.changed or (known and to_sha(fetched.content) == started.content_sha):
            return self._unchanged(started, State.UNCHANGED)
        version = await draft(self.source, fetched, self.tools.parse, allow_secrets=self.allow_secrets)
        return await self._make_live(started, version, "learn")

    async def _read(self, known: Started | None) -> Fetched:
        if self.source.url is None:
            return given(self.source)
        if known is None or not (known.etag or known.last_modified):
            return await self.tools.fetch(self.source.url)
        return await self.tools.fetch(self.source.url, etag=known.etag, last_modified=known.last_modified)

    async def _make_live(self, started: Started, version: Draft, change: str) -> Learned:
        model = await self.tools.model(self.workspace)
        await self._embed(started, version, model)
        if not await self._replace(started, version, model, change):
            return self._unchanged(started, State.UNCHANGED, OVERTAKEN)
        return replace(self._unchanged(started, State.INDEXED), chunks=len(version.pieces), title=version.title)

    async def _embed(self, started: Started, version: Draft, model: int) -> None:
        """Fill the embedding cache with the vectors that are missing, batch by batch, so that a later try goes on."""
        texts = version.to_texts()
        at = started.at
        async with self.tools.database.writing(self.workspace) as connection:
            await self._admit(connection, started, version, model)
            known = await chunks.cached(
                connection, workspace=at.workspace, model=model, document=at.id, shas=list(texts)
            )
        missing = [sha for sha in texts if sha not in known]
        for first in range(0, len(missing), BATCH):
            batch = missing[first : first + BATCH]
            vectors = await self._vectors([texts[sha] for sha in batch])
            async with self.tools.database.writing(self.workspace) as connection:
                await documents.lock(connection, at.workspace)  # so that nothing forgotten meanwhile is written
                if await attempts.live(connection, started) is None:
                    return
                stage = f"embedding {first + len(batch)} of {len(missing)} chunks"
                await attempts.keep_alive(connection, started, stage=stage, seconds=EMBEDDING)
                found = dict(zip(batch, vectors, strict=True))
                await chunks.keep_vectors(
                    connection, workspace=at.workspace, model=model, document=at.id, vectors=found
                )

    async def _vectors(self, texts: list[str]) -> list[HalfVector]:
        vectors = await self.tools.embedder.embed(texts)
        if len(vectors) != len(texts):
            raise EmbedderDown("The embedder returned fewer vectors than it was given texts: check its model.")
        return [to_half(vector, self.tools.embedder.dimensions) for vector in vectors]

    async def _admit(self, connection: Connection, started: Started, version: Draft, model: int) -> None:
        """Refuse what was forgotten, under this name or another, and a model that is not the workspace's."""
        workspace = started.at.workspace
        refused = await refused_as_forgotten(
            connection, workspace, self.source.name, force=self.force, content_sha=version.sha
        )
        if refused:
            raise InputError(refused.reason)
        if not await documents.choose_model(connection, workspace=workspace, model=model):
            raise OtherModel(OTHER_MODEL)

    async def _replace(self, started: Started, version: Draft, model: int, change: str) -> bool:
        """Make the draft live in one transaction; return False if something newer is live or it was taken away."""
        async with self.tools.database.writing(self.workspace) as connection:
            await documents.lock(connection, started.at.workspace, rows=len(version.pieces))
            live = await attempts.live(connection, started)
            if live is None:
                return False
            revision, at = live[0] + 1, live[1]
            await self._admit(connection, started, version, model)
            await versions.keep(connection, at, change=change)
            gone = await chunks.delete_chunks(connection, workspace=at.workspace, document=at.id)
            new = version.to_chunks(started.name, revision)
            title = version.title
            await chunks.insert_chunks(connection, at=at, revision=revision, model=model, title=title, chunks=new)
            await attempts.publish(connection, started, version.to_version(revision))
            await documents.raise_edition(connection, at, chunks=len(new) - gone)
            await self._audit(connection, started, change)
        return True

    async def _audit(self, connection: Connection, started: Started, change: str) -> None:
        actions = [change, "allow secrets"] if self.allow_secrets and change == "learn" else [change]
        for action in actions:
            await documents.audit(
                connection, workspace=started.at.workspace, action=action, object_=started.name, by=self.by
            )

    async def _finish(self, started: Started, state: State, reason: str) -> None:
        async with self.tools.database.writing(self.workspace) as connection:
            await attempts.finish(connection, started, state, reason)

    async def _stopped(self, started: Started) -> None:
        """Hand what was queued to the next worker; what was not is told to be stopped."""
        if started.given is None:
            await self._finish(started, State.FAILED, STOPPED)
            return
        async with self.tools.database.writing(self.workspace) as connection:
            reason = "waiting for another worker"
            await pending.postpone(connection, started, self.workspace, reason=reason, seconds=0, waits=0)

    async def _postponed(self, started: Started, reason: str) -> Learned:
        seconds = WAITS[self.waits or 0]
        async with self.tools.database.writing(self.workspace) as connection:
            stage = f"trying again in {seconds:.0f} s: {reason}"
            await pending.postpone(connection, started, self.workspace, reason=stage, seconds=seconds)
        return self._unchanged(started, State.QUEUED, stage)

    def _unchanged(self, started: Started, state: State, reason: str = "") -> Learned:
        """Return the end of a learning that changed nothing of what is live."""
        return Learned(
            document=started.name,
            source=self.source.name,
            state=state,
            chunks=started.chunks,
            reason=reason,
            title=started.title,
        )


async def refused_as_forgotten(
    connection: Connection, workspace: int, source: str, *, force: bool, content_sha: bytes | None = None
) -> Learned | None:
    """Return the end of learning what was forgotten, None if it was not; `force` lifts the tombstone."""
    if force:
        await tombstones.unbury(connection, workspace=workspace, source=source, content_sha=content_sha)
        return None
    day = await tombstones.forgotten(connection, workspace=workspace, source=source, content_sha=content_sha)
    if not day:
        return None
    reason = f"It was forgotten on {day} and stays away: add it with --force if it may come back."
    return Learned(document="", source=source, state=State.FAILED, reason=reason)
