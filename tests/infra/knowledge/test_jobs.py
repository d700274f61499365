"""Documents through the queue: recorded with their job, done by whoever lives, ended with a reason, never stuck."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from psycopg import AsyncConnection

from core.documents import Document, Learned, Place, Source, State
from core.errors import EmbedderDown
from infra.knowledge import queued as module
from infra.knowledge.learning import WAITS
from infra.knowledge.librarian import Librarian
from infra.knowledge.worker import Pace, Worker
from infra.postgres import jobs
from infra.postgres.pool import Database
from tests.infra.knowledge.teaching import Company, WordEmbedder, read_markdown
from tests.postgres import Urls

pytestmark = pytest.mark.slow

PATH = "-c search_path=vocero_jobs,public"  # where the triggers of the queue look for its tables
QUICK = Pace(poll=0.05, beat=0.2, stalled=1.0, sweep=0.2, grace=2.0)


@pytest.fixture
async def company(database: Database, postgres: Urls) -> Company:
    """A workspace of its own for each test, and an empty queue."""
    await rows(postgres, "delete from vocero_jobs.procrastinate_jobs")
    return Company(database)


async def submit(company: Company, name: str, text: str | None = None, **more: bool) -> Learned:
    source = Source(name=name, url=name) if text is None else Source(name=name, content=text.encode())
    return await company.librarian.submit(source, Place(workspace=company.workspace), by="test/U1", **more)


async def one(company: Company) -> Document:
    (found,) = await company.librarian.documents(company.workspace)
    return found


@asynccontextmanager
async def working(postgres: Urls, company: Company, librarian: Librarian | None = None) -> AsyncIterator[asyncio.Event]:
    """A worker for the block; afterwards it is told to stop and has to end."""
    stop = asyncio.Event()
    worker = Worker(postgres.application, company.database, librarian or company.librarian, pace=QUICK)
    task = asyncio.create_task(worker.run(stop))
    try:
        yield stop
    finally:
        stop.set()
        await asyncio.wait_for(task, 10)


async def ended(company: Company, state: State = State.INDEXED, seconds: float = 15) -> Document:
    """Wait until the workspace's one document is in a state."""
    return await until(company, lambda found: found.state is state, seconds)


async def until(company: Company, holds: Callable[[Document], bool], seconds: float = 15) -> Document:
    """Wait until something holds of the workspace's one document."""
    async with asyncio.timeout(seconds):
        while not holds(found := await one(company)):  # noqa: ASYNC110 - the database sets no events
            await asyncio.sleep(0.02)
        return found


async def rows(postgres: Urls, statement: str, *values: object) -> list[tuple[object, ...]]:
    async with await AsyncConnection.connect(postgres.admin, autocommit=True, options=PATH) as admin:
        cursor = await admin.execute(statement, values)
        return await cursor.fetchall() if cursor.description else []


async def waiting(postgres: Urls, company: Company) -> int:
    """How many jobs of the workspace there are."""
    counted = "select count(*)::int from vocero_jobs.procrastinate_jobs where args ->> 'workspace' = %s"
    return int(str((await rows(postgres, counted, company.workspace))[0][0]))


async def test_what_is_submitted_waits_with_a_deadline_until_a_worker_takes_it(
    company: Company, postgres: Urls
) -> None:
    """Queued with its stage, then indexed by a worker; content and job are gone with the end."""
    assert not await company.librarian.worker_lives()
    queued = await submit(company, "a.md", "The Heron sleeps six.")
    found = await one(company)
    assert (queued.state, found.state, found.stage, found.attempt) == (
        State.QUEUED,
        State.QUEUED,
        "waiting for a worker",
        1,
    )
    assert found.deadline is not None
    async with working(postgres, company):
        found = await ended(company)
        assert await company.librarian.worker_lives()
    assert (found.chunks, found.added_by, found.deadline, found.stage) == (1, "test/U1", None, "")
    assert await waiting(postgres, company) == 0
    assert (
        await rows(
            postgres,
            "select 1 from vocero.pending p join vocero.workspace w on w.id = p.workspace where w.name = %s",
            company.workspace,
        )
        == []
    )
    assert not await company.librarian.worker_lives()  # it took its leave


async def test_the_job_and_the_document_are_recorded_together_or_not_at_all(company: Company, postgres: Urls) -> None:
    """A transaction that fails after the job was queued leaves neither."""

    async def fail() -> None:
        async with company.database.writing(company.workspace) as connection:
            await jobs.enqueue(connection, company.workspace, "dnothing")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert await waiting(postgres, company) == 0


async def test_the_same_again_is_one_job_and_the_newest_content(company: Company, postgres: Urls) -> None:
    """Submitted three times before a worker comes: learned once, as it was given last."""
    for text in ("first", "second", "third"):
        await submit(company, "a.md", f"The {text} fact.")
    assert await waiting(postgres, company) == 1
    async with working(postgres, company):
        await ended(company)
    _, chunks = await company.librarian.document(company.workspace, "a.md")
    assert [chunk.text for chunk in chunks] == ["The third fact."]
    assert company.embedder.embedded == 1


async def test_what_is_unchanged_is_not_even_queued(company: Company, postgres: Urls) -> None:
    """Equal bytes end at once; another title does not."""
    await company.teach("a.md", "A fact.")
    again = await submit(company, "a.md", "A fact.")
    assert (again.state, again.chunks, await waiting(postgres, company)) == (State.UNCHANGED, 1, 0)
    assert (await submit(company, "a.md", "A fact.", force=True)).state is State.QUEUED


@pytest.mark.parametrize("text", ["", "broken bytes", "crash now"])
async def test_what_cannot_be_learned_ends_failed_with_its_reason(company: Company, postgres: Urls, text: str) -> None:
    """In the queue as in the foreground; nothing is tried again in vain."""
    await submit(company, "bad.md", text)
    async with working(postgres, company):
        found = await ended(company, State.FAILED)
    assert found.reason
    assert (found.deadline, await waiting(postgres, company)) == (None, 0)


@pytest.mark.parametrize("away", ["embedder", "site"])
async def test_what_is_away_is_waited_for_and_then_given_up(
    company: Company, postgres: Urls, away: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three more tries, each announced in the stage; then failed, with the reason."""
    monkeypatch.setattr("infra.knowledge.learning.WAITS", (0.05, 0.05, 60.0))
    company.web.down = away == "site"
    company.embedder.error = EmbedderDown("The embedder is away: try again.") if away == "embedder" else None
    company.web.pages["https://x.example/"] = b"A fact."
    librarian = company.librarian
    await submit(company, "https://x.example/")
    async with working(postgres, company, librarian):
        late = await until(company, lambda found: "trying again in 60 s" in found.stage)
        assert late.state is State.QUEUED
        assert late.deadline is not None
        monkeypatch.setattr("infra.knowledge.learning.WAITS", ())
        await rows(postgres, "update vocero_jobs.procrastinate_jobs set scheduled_at = now()")
        found = await ended(company, State.FAILED)
        assert "away" in found.reason or "cannot be reached" in found.reason
    assert len(WAITS) == 3


async def test_what_comes_back_in_time_is_learned(
    company: Company, postgres: Urls, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A site that answers again at the second try is learned, without a word of failure left."""
    monkeypatch.setattr("infra.knowledge.learning.WAITS", (0.05, 60.0, 60.0))
    company.web.pages["https://x.example/"] = b"A fact."
    company.web.down = True
    librarian = company.librarian
    await submit(company, "https://x.example/")
    async with working(postgres, company, librarian):
        await until(company, lambda _: bool(company.web.fetched))
        company.web.down = False
        assert (await ended(company)).reason == ""


async def test_nothing_waits_for_ever(company: Company, postgres: Urls) -> None:
    """Past its deadline without a worker it has failed, and job and content are dropped; a living one has time."""
    await submit(company, "a.md", "A fact.")
    late = """update vocero.document d set deadline = now() - interval '1 s' from vocero.workspace w
        where w.id = d.workspace and w.name = %s"""
    await rows(postgres, late, company.workspace)
    worker = await rows(postgres, "insert into vocero_jobs.procrastinate_workers default values returning id")
    assert await company.librarian.sweep() == 0
    assert (await one(company)).state is State.QUEUED
    await rows(postgres, "delete from vocero_jobs.procrastinate_workers where id = %s", worker[0][0])
    await rows(postgres, late, company.workspace)
    assert await company.librarian.sweep() == 1
    found = await one(company)
    assert (found.state, "vocero run worker" in found.reason) == (State.FAILED, True)
    assert await waiting(postgres, company) == 0


async def test_the_jobs_of_a_silent_worker_are_done_by_another(company: Company, postgres: Urls) -> None:
    """A worker that died in the middle leaves a running document; the next one finishes it."""
    await submit(company, "a.md", "A fact.")
    silent = (
        "insert into vocero_jobs.procrastinate_workers (last_heartbeat) values (now() - interval '1 h') returning id"
    )
    ghost = await rows(postgres, silent)
    taken = "update vocero_jobs.procrastinate_jobs set status = 'doing', worker_id = %s where args ->> 'workspace' = %s"
    await rows(postgres, taken, ghost[0][0], company.workspace)
    async with working(postgres, company):
        assert (await ended(company)).attempt == 2


async def test_a_lost_job_gives_way_to_a_newer_one(company: Company, postgres: Urls) -> None:
    """When the document was submitted again meanwhile, rescuing the old job does not fail."""
    await submit(company, "a.md", "The old fact.")
    taken = "update vocero_jobs.procrastinate_jobs set status = 'doing' where args ->> 'workspace' = %s"
    await rows(postgres, taken, company.workspace)
    await submit(company, "a.md", "The new fact.")
    assert await waiting(postgres, company) == 2
    assert await jobs.rescue(company.database) == 1
    assert await waiting(postgres, company) == 1


async def test_what_ends_its_worker_every_time_is_given_up(
    company: Company, postgres: Urls, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After so many tries that came to no end, the document has failed and says why."""
    monkeypatch.setattr(module, "TRIES", 1)
    await submit(company, "a.md", "A fact.")
    await rows(postgres, "update vocero.pending set tries = 1")
    learned = await company.librarian.work(company.workspace, (await one(company)).id)
    assert learned is not None
    assert (learned.state, "ended the worker" in learned.reason) == (State.FAILED, True)


class Stuck(WordEmbedder):
    """Never comes back from its first text; says when it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.reached = asyncio.Event()

    async def embed(self, texts: object) -> list[list[float]]:
        self.reached.set()
        await asyncio.sleep(3600)
        return []


async def test_a_stopped_worker_hands_back_what_it_cannot_finish(company: Company, postgres: Urls) -> None:
    """After its grace the document waits again, and the next worker learns it."""
    stuck = Stuck()
    slow = Librarian(company.database, stuck, fetch=company.web.fetch, parse=read_markdown)
    await submit(company, "a.md", "A fact.")
    async with working(postgres, company, slow):
        await asyncio.wait_for(stuck.reached.wait(), 10)
    found = await one(company)
    assert (found.state, found.stage) == (State.QUEUED, "waiting for another worker")
    async with working(postgres, company):
        await ended(company)


async def test_a_newer_content_overtakes_one_that_is_being_learned(company: Company, postgres: Urls) -> None:
    """Submitted while the older one hangs: the newer one is learned, and the older one changes nothing."""
    stuck = Stuck()
    slow = Librarian(company.database, stuck, fetch=company.web.fetch, parse=read_markdown)
    queued = await submit(company, "a.md", "The old fact.")
    older = asyncio.create_task(slow.work(company.workspace, queued.document))
    await stuck.reached.wait()
    await submit(company, "a.md", "The new fact.")
    assert (await company.librarian.work(company.workspace, queued.document)).state is State.INDEXED  # type: ignore[union-attr]
    older.cancel()
    await asyncio.gather(older, return_exceptions=True)
    assert (await one(company)).state is State.INDEXED
    _, chunks = await company.librarian.document(company.workspace, "a.md")
    assert [chunk.text for chunk in chunks] == ["The new fact."]


async def test_what_was_taken_away_while_it_waited_stays_away(company: Company, postgres: Urls) -> None:
    """Removing and forgetting reach what waits; its worker finds nothing to do."""
    for act in ("remove", "forget"):
        queued = await submit(company, "a.md", "A fact.")
        await getattr(company.librarian, act)(company.workspace, "a.md")
        assert await company.librarian.work(company.workspace, queued.document) is None
    assert await waiting(postgres, company) == 0
