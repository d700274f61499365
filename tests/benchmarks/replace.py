"""What a reader sees while a document of 20 chunks is replaced again and again: the old or the new version.

Ours by the librarian; the peer is stock PGVectorStore, whose way to replace is `adelete`, then `async_add`.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field

from llama_index.core.vector_stores.types import VectorStoreQuery
from llama_index.vector_stores.postgres import PGVectorStore

from core.audience import EVERYONE
from infra.postgres.migrate import migrate
from infra.postgres.pool import Database
from tests.benchmarks import stock
from tests.benchmarks.corpus import DIMENSIONS
from tests.benchmarks.session import Session, command
from tests.benchmarks.table import Row
from tests.infra.knowledge.teaching import Company, to_vector
from tests.postgres import APPLICATION

TIMES = 200
CHUNKS = 20
DIRECTION = [DIMENSIONS**-0.5] * DIMENSIONS

Read = Callable[[], Awaitable[Iterable[str]]]  # returns the texts that are found
Write = Callable[[int], Awaitable[None]]  # makes version n the one to be found


@dataclass(slots=True)
class Seen:
    """What one run saw."""

    reads: int = 0
    wrong: int = 0  # a hole, a part, or two versions at once
    versions: set[str] = field(default_factory=set)
    took: float = 0.0  # seconds a replacement

    def note(self, texts: Iterable[str]) -> None:
        """Count one read."""
        words = [text.split()[0] for text in texts]
        self.reads += 1
        self.wrong += not (len(words) == CHUNKS and len(set(words)) == 1)
        self.versions.update(words)


async def bench(session: Session) -> list[Row]:
    """Return wrong reads and the time of a replacement."""
    urls, times = session.server.database(), session.times(TIMES)
    await migrate(urls.admin, APPLICATION)
    async with Database(urls.application) as database:
        ours = await _ours(Company(database), times)
    async with stock.open_stock(urls, engine={"pool_size": 2, "max_overflow": 0}) as store:
        theirs = await _stock(store, times)
    peer = "stock delete, then add"
    wrong = f"wrong reads, {times} replacements, {ours.reads} reads"
    return [
        Row(bench="replace", what=wrong, value=ours.wrong, most=0),
        Row(bench="replace", what=f"share of wrong reads of {peer}", value=theirs.wrong / theirs.reads),
        Row(bench="replace", what="versions seen", value=len(ours.versions), least=min(2, times)),
        Row(
            bench="replace",
            what="a replacement, while being read",
            value=1000 * ours.took,
            unit="ms",
            peer=peer,
            theirs=1000 * theirs.took,
        ),
    ]


async def _watch(read: Read, write: Write, times: int) -> Seen:
    """Read without pause while versions are written."""
    seen, done = Seen(), asyncio.Event()
    await write(0)

    async def read_on() -> None:
        while not done.is_set():
            seen.note(await read())

    reader = asyncio.create_task(read_on())
    began = time.perf_counter()
    try:
        for number in range(1, times + 1):
            await write(number)
        seen.took = (time.perf_counter() - began) / times
    finally:
        done.set()
        await reader
    return seen


async def _ours(company: Company, times: int) -> Seen:
    engine = company.engine

    async def read() -> list[str]:
        found = await engine.retrieve("part version", workspace=company.workspace, audience=EVERYONE, limit=2 * CHUNKS)
        return [passage.text for passage in found.passages]

    async def write(number: int) -> None:
        parts = (f"# Part {part}\n\nversion{number} of part{part}" for part in range(CHUNKS))
        await company.teach("doc.md", "\n\n".join(parts))

    company.embedder.vector = to_vector("version part")  # one direction: texts are told apart by their words
    return await _watch(read, write, times)


async def _stock(store: PGVectorStore, times: int) -> Seen:
    async def read() -> list[str]:
        found = await store.aquery(VectorStoreQuery(query_embedding=DIRECTION, similarity_top_k=2 * CHUNKS))
        return [node.get_content() for node in found.nodes or ()]

    async def write(number: int) -> None:
        texts = [f"version{number} of part{part}" for part in range(CHUNKS)]
        await store.adelete("doc")
        await store.async_add([stock.to_node(f"{number} {n}", text, "doc", DIRECTION) for n, text in enumerate(texts)])

    return await _watch(read, write, times)


if __name__ == "__main__":
    command(bench)
