"""The worker: takes queued documents, carries each out, and looks after what other workers left lying.

procrastinate fetches the jobs and says that we live. What is recorded of a document, when it is tried again and how it
ends stands in our own tables: a job is only the news that something waits.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import procrastinate
import structlog
from procrastinate.exceptions import ProcrastinateException

from core.errors import BotError, KnowledgeDown
from infra.knowledge.librarian import Librarian
from infra.postgres import jobs
from infra.postgres.errors import DOWN, to_error
from infra.postgres.pool import Database, to_options

log = structlog.get_logger()

AT_ONCE: Final = 2  # documents: while one is embedded, the next is fetched and read
POLL: Final = 0.5  # seconds; a notification is only a hint, and was missed in 7 of 100
SWEEP: Final = 10.0  # seconds between looks at what is late or lost
GRACE: Final = 25.0  # seconds to finish what is in hand; orchestrators wait 30
AGAIN: Final = 2.0  # seconds until the database is tried again, doubled up to
LONGEST: Final = 30.0
TRIES: Final = 8  # of a job while the database is away: three minutes; then the document's deadline speaks
CONNECTIONS: Final = 4  # to listen, to fetch, to beat, and one to spare


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """Seconds between looks and signs of life; tests are in a hurry."""

    poll: float = POLL
    beat: float = jobs.BEAT
    stalled: float = jobs.STALLED
    sweep: float = SWEEP
    grace: float = GRACE


class Workers:
    """A worker for each database that workspaces live in."""

    def __init__(self, workers: Sequence["Worker"]) -> None:
        self._workers = workers

    async def run(self, stop: asyncio.Event) -> None:
        """Let all work until `stop` is set; one that lost its database waits for it alone."""
        async with asyncio.TaskGroup() as group:
            for worker in self._workers:
                group.create_task(worker.run(stop))


class Worker:
    """Takes documents from the queue of one database; `run` until told to stop."""

    def __init__(self, url: str, database: Database, librarian: Librarian, *, pace: Pace | None = None) -> None:
        self._url, self._database, self._librarian = url, database, librarian
        self._pace = pace or Pace()

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set, then finish what is in hand, or hand it back. A lost database is waited for."""
        pause = AGAIN
        while not stop.is_set():
            try:
                await self._look_after()
                await self._work(stop)
                pause = AGAIN
            except (BotError, ProcrastinateException, OSError) as error:
                log.warning("the worker lost its database", error=to_reason(error), again=pause)
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), pause)
            pause = min(2 * pause, LONGEST)

    async def _work(self, stop: asyncio.Event) -> None:
        """Work as one registered worker until told to stop, or until the queue cannot be reached."""
        app = self._to_app()
        async with app.open_async():
            working = asyncio.create_task(
                app.run_worker_async(
                    queues=["learn"],
                    concurrency=AT_ONCE,
                    fetch_job_polling_interval=self._pace.poll,
                    update_heartbeat_interval=self._pace.beat,
                    stalled_worker_timeout=self._pace.stalled,
                    shutdown_graceful_timeout=self._pace.grace,
                    delete_jobs="always",  # how it ended stands with the document
                    install_signal_handlers=False,
                )
            )
            others = [asyncio.create_task(stop.wait()), asyncio.create_task(self._sweep())]
            try:
                await asyncio.wait([working, *others], return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in (working, *others):
                    task.cancel()
                ended = await asyncio.gather(working, *others, return_exceptions=True)
        for error in ended:
            if isinstance(error, Exception):
                raise error

    def _to_app(self) -> procrastinate.App:
        options = to_options() | {"application_name": "vocero worker"}
        del options["autocommit"]  # procrastinate's own business
        options["options"] += f" -c search_path={jobs.SCHEMA}"
        connector = procrastinate.PsycopgConnector(
            conninfo=self._url, kwargs=options, min_size=1, max_size=CONNECTIONS, timeout=LONGEST
        )
        app = procrastinate.App(connector=connector)

        @app.task(name="learn", queue="learn")
        async def learn(workspace: str, document: str) -> None:
            await self._learn(workspace, document)

        return app

    async def _learn(self, workspace: str, document: str) -> None:
        """Carry out what waits of a document; while the database is away, wait for it rather than lose the job."""
        pause = AGAIN
        for _ in range(TRIES):
            try:
                learned = await self._librarian.work(workspace, document)
            except KnowledgeDown as down:
                log.warning("a document waits for the database", document=document, error=str(down))
                await asyncio.sleep(pause)
                pause = min(2 * pause, LONGEST)
            except BotError as error:  # nothing could even be begun
                log.error("a document could not be begun", document=document, error=type(error).__name__)
                return
            else:
                if learned is not None:
                    seconds = round(learned.seconds, 2)
                    log.info(
                        "learned", document=document, state=learned.state.value, chunks=learned.chunks, seconds=seconds
                    )
                return

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(self._pace.sweep)
            with suppress(KnowledgeDown):  # what needs it will say so
                await self._look_after()

    async def _look_after(self) -> None:
        """Give lost jobs to the living, and end what is past its deadline."""
        rescued = await jobs.rescue(self._database, seconds=self._pace.stalled)
        late = await self._librarian.sweep()
        if rescued or late:
            log.warning("swept", rescued=rescued, late=late)


def to_reason(error: Exception) -> str:
    """Return the sentence with the remedy; procrastinate keeps the database's own error behind a word of its own."""
    if isinstance(error, BotError):
        return str(error)
    return str(to_error(error.__cause__)) if isinstance(error.__cause__, Exception) else DOWN
