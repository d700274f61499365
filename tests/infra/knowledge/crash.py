"""Workers that are killed at random while documents are ingested, and a reader that looks on: for test and benchmark.

Workers are forked from a server process that has everything imported, so that each stands up in a moment.
"""

import asyncio
import logging
import multiprocessing
import random
import signal
import time
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess

import structlog

from core.audience import EVERYONE
from core.documents import Place, Source, State
from infra.knowledge.worker import Pace, Worker
from infra.postgres.pool import Database
from tests.infra.knowledge.teaching import Company, WordEmbedder

CHUNKS = 6
CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload([__name__])
PACE = Pace(poll=0.05, beat=0.1, stalled=0.6, sweep=0.1, grace=5.0)


class SlowEmbedder(WordEmbedder):
    """As slow as a small model, so that kills meet every stage."""

    async def embed(self, texts: object) -> list[list[float]]:
        await asyncio.sleep(random.uniform(0.01, 0.06))
        return await super().embed(texts)  # type: ignore[arg-type]


def text(name: str, version: int) -> str:
    """Every chunk names its document and version, so that a mix shows."""
    return "\n\n".join(f"# Part {part}\n\n{name} version{version} part{part}" for part in range(CHUNKS))


def _work(url: str, workspace: str) -> None:
    """The forked worker: until it is killed, or told to end."""

    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))

    async def main() -> None:
        stop = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
        async with Database(url) as database:
            company = Company(database, embedder=SlowEmbedder(), workspace=workspace)
            await Worker(url, database, company.librarian, pace=PACE).run(stop)

    asyncio.run(main())


@dataclass(slots=True)
class Result:
    """What was counted. `wrong`: reads that saw a hole or a mix."""

    seconds: float = 0.0
    kills: int = 0
    reads: int = 0
    wrong: list[str] = field(default_factory=list)
    states: dict[State, int] = field(default_factory=dict)
    attempts: int = 0


@dataclass(slots=True)
class Crash:
    """One run: documents that are known in a first version get a second one while workers die."""

    url: str
    company: Company
    documents: int
    every: float  # seconds between kills, on average
    seed: int = 7
    workers: int = 2
    result: Result = field(default_factory=Result)

    async def run(self, seconds: float) -> Result:
        """Submit, kill, read, until every document has ended or the time is over."""
        place = Place(workspace=self.company.workspace)
        names = [f"doc{n}" for n in range(self.documents)]
        half = names[: self.documents // 2]  # these are replaced, the others are new
        for name in half:
            await self.company.teach(name, text(name, 1))
        begun = time.monotonic()
        for name in names:
            await self.company.librarian.submit(Source(name=name, content=text(name, 2).encode()), place)
        living = [self._fork() for _ in range(self.workers)]
        killing = asyncio.create_task(self._kill(living))
        reading = asyncio.create_task(self._read(half))
        try:
            async with asyncio.timeout(seconds):
                while await self._unfinished():  # noqa: ASYNC110 - the database sets no events
                    await asyncio.sleep(0.1)
        finally:
            for task in (killing, reading):
                task.cancel()
            ended = await asyncio.gather(killing, reading, return_exceptions=True)
            for process in living:
                process.terminate()
            for process in living:
                await asyncio.to_thread(process.join, 10)
        self.result.seconds = time.monotonic() - begun
        self.result.wrong += [repr(error) for error in ended if isinstance(error, Exception)]
        for found in await self.company.librarian.documents(self.company.workspace):
            self.result.states[found.state] = self.result.states.get(found.state, 0) + 1
            self.result.attempts += found.attempt
        return self.result

    def _fork(self) -> BaseProcess:
        process = CONTEXT.Process(target=_work, args=(self.url, self.company.workspace))
        process.start()
        return process

    async def _kill(self, living: list[BaseProcess]) -> None:
        dice = random.Random(self.seed)
        while True:
            await asyncio.sleep(dice.uniform(0.3, 1.7) * self.every)
            place = dice.randrange(len(living))
            living[place].kill()
            await asyncio.to_thread(living[place].join, 10)
            self.result.kills += 1
            living[place] = self._fork()

    async def _unfinished(self) -> bool:
        found = await self.company.librarian.documents(self.company.workspace)
        return any(document.state in (State.QUEUED, State.RUNNING) for document in found)

    async def _read(self, names: list[str]) -> None:
        """Read replaced documents without pause: each is one whole version, never none and never both."""
        dice = random.Random(self.seed + 1)
        while True:
            name = dice.choice(names)
            _, chunks = await self.company.librarian.document(self.company.workspace, name)
            versions = {chunk.text.split()[1] for chunk in chunks}
            if len(chunks) != CHUNKS or len(versions) != 1:
                self.result.wrong.append(f"{name}: {len(chunks)} chunks of {versions}")
            query = f"{name} {versions.pop() if versions else ''} part1"
            found = await self.company.engine.retrieve(
                query, workspace=self.company.workspace, audience=EVERYONE, limit=5
            )
            self.result.reads += 1
            if not found.passages:
                self.result.wrong.append(f"{name}: nothing found")


async def duplicates(company: Company) -> int:
    """How many chunks there are beyond one version of each document, and how many vectors beyond one a chunk."""
    async with company.database.reading(company.workspace) as connection:
        cursor = await connection.execute(
            "select (select count(*) from vocero.data_chunk) - (select coalesce(sum(chunks), 0) from vocero.document),"
            " (select count(*) from vocero.data_chunk) - (select coalesce(sum(chunks), 0) from vocero.collection)"
        )
        row = await cursor.fetchone()
    return sum(abs(int(n)) for n in row or ())
