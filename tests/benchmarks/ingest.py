"""How fast documents are learned, against the bare embedder: the same texts through the same model, round by round; and
what a second look at unchanged documents costs.

Ours is the whole way: the confined reader, secrets looked for, splitting, vectors, words counted, replaced in one
transaction, two documents at a time as the worker takes them. The peer only embeds the chunks that came of it.
"""

import asyncio
import gzip
import json
import time
from collections.abc import Sequence
from pathlib import Path

from core.documents import Place, Source, State
from core.ports import Embedder
from infra.embedded.minilm import MiniLM
from infra.knowledge.fetch import fetch
from infra.knowledge.learning import BATCH
from infra.knowledge.librarian import Librarian
from infra.knowledge.parse import Parser
from infra.knowledge.split import Piece
from infra.knowledge.worker import AT_ONCE
from infra.postgres.migrate import migrate
from infra.postgres.pool import Database
from tests.benchmarks.session import Session, command
from tests.benchmarks.table import Row
from tests.postgres import APPLICATION

DOCUMENTS = 96
ROUNDS = 4
SET = "claude-docs"
PLACE = Place(workspace="bench/ingest")
LEAST = 0.85  # of the bare embedding rate
MOST = 0.02  # of the first time, for what is unchanged


async def bench(session: Session) -> list[Row]:
    """Return the rates of ingestion and of embedding, and the two times of a sync."""
    sources = read_set(session.data / SET / "corpus.jsonl.gz", session.times(DOCUMENTS))
    urls, embedder = session.server.database(), MiniLM()
    await migrate(urls.admin, APPLICATION)
    ours = theirs = 0.0
    chunks = 0
    async with Database(urls.application) as database, Parser() as parser:
        librarian = Librarian(database, embedder, fetch=fetch, parse=parser.parse)
        await embedder.embed(["warm"])
        await librarian.learn(Source(name="warm", content=b"warm"), PLACE)
        for number in range(ROUNDS):
            part = sources[number::ROUNDS]
            ours += await learn(librarian, part)
            texts = await chunk_texts(librarian, part)
            theirs += await embed(embedder, texts)
            chunks += len(texts)
        again = await learn(librarian, sources, State.UNCHANGED)
    return [
        Row(
            bench="ingest",
            what=f"{len(sources)} documents of {SET}, {chunks} chunks",
            value=chunks / ours,
            unit="chunks/s",
            peer="embedding alone",
            theirs=chunks / theirs,
            least=LEAST,
        ),
        Row(
            bench="ingest",
            what="a second sync, nothing changed",
            value=again,
            unit="s",
            peer="the first",
            theirs=ours,
            most=MOST,
        ),
    ]


def read_set(file: Path, count: int) -> list[Source]:
    """Return the first documents of a judged set, as files of text."""
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for _, line in zip(range(count), lines, strict=False)]
    return [Source(name=f"{row['id']}.md", content=row["text"].encode()) for row in rows]


async def learn(librarian: Librarian, sources: Sequence[Source], state: State = State.INDEXED) -> float:
    """Learn sources as a worker does; return the seconds."""
    waiting = iter(sources)

    async def work() -> None:
        for source in waiting:
            learned = await librarian.learn(source, PLACE)
            assert learned.state is state, learned

    began = time.perf_counter()
    await asyncio.gather(*(work() for _ in range(AT_ONCE)))
    return time.perf_counter() - began


async def chunk_texts(librarian: Librarian, sources: Sequence[Source]) -> list[str]:
    """Return what was embedded for these sources."""
    texts = []
    for source in sources:
        document, chunks = await librarian.document(PLACE.workspace, source.name)
        texts += [Piece(text=c.text, path=c.path, anchor="").to_embed(document.title) for c in chunks]
    return texts


async def embed(embedder: Embedder, texts: Sequence[str]) -> float:
    """Embed texts in batches as learning does, two at a time; return the seconds."""
    batches = iter([texts[first : first + BATCH] for first in range(0, len(texts), BATCH)])

    async def work() -> None:
        for batch in batches:
            await embedder.embed(batch)

    began = time.perf_counter()
    await asyncio.gather(*(work() for _ in range(AT_ONCE)))
    return time.perf_counter() - began


if __name__ == "__main__":
    command(bench)
