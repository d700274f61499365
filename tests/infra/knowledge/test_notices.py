"""Who gave a document hears its end: however it ends, once, as a delivery of the platform in the same transaction."""

import asyncio

import pytest
from psycopg import AsyncConnection

from core.documents import Learned, Notice, Place, Source, State
from core.inbox import Work
from infra.postgres.inbox import PostgresInbox
from infra.postgres.pool import Database
from tests.infra.knowledge.teaching import Company
from tests.postgres import Urls


@pytest.fixture
def company(database: Database) -> Company:
    """A workspace of its own for each test."""
    return Company(database)


def to_notice(company: Company, key: str = "order-1") -> Notice:
    return Notice(key=key, person="p1", conversation=f"{company.workspace}/c1", address={"channel": "C1"}, tongue="es")


async def submit(company: Company, *texts: str, key: str = "order-1") -> list[Learned]:
    sources = [Source(name=f"{n}.md", content=text.encode()) for n, text in enumerate(texts)]
    place = Place(workspace=company.workspace)
    return await company.librarian.submit_all(sources, place, by="p1", notice=to_notice(company, key))


async def delivered(company: Company) -> list[Work]:
    """Take over what is to be delivered, as the platform's process does."""
    return await PostgresInbox(company.database).reap(company.workspace, 10)


async def work(company: Company, *learned: Learned) -> None:
    for one in learned:
        await company.librarian.work(company.workspace, one.document)


async def test_the_end_of_all_is_told_once_in_the_words_of_ids(company: Company) -> None:
    """Nothing before the last has ended; then one delivery with each end, where the order was given."""
    queued = await submit(company, "A fact.", "broken bytes")
    assert [one.state for one in queued] == [State.QUEUED, State.QUEUED]
    await work(company, queued[0])
    assert await delivered(company) == []
    await work(company, queued[1])
    [told] = await delivered(company)
    assert (told.attempt, told.arrival.conversation) == (1, f"{company.workspace}/c1")
    payload = told.arrival.payload
    assert (payload["kind"], payload["tongue"], payload["channel"]) == ("notice", "es", "C1")
    assert [(end["document"], end["state"], end["chunks"]) for end in payload["ends"]] == [
        (queued[0].document, "indexed", 1),
        (queued[1].document, "failed", 0),
    ]
    assert "damaged" in payload["ends"][1]["reason"]
    assert "fact" not in repr(payload)
    await PostgresInbox(company.database).settle(told)
    assert await delivered(company) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("end", "state"), [("remove", "removed"), ("forget", "forgotten"), ("sweep", "failed"), ("learn", "indexed")]
)
async def test_every_end_is_told(company: Company, postgres: Urls, end: str, state: str) -> None:
    """Taken away, forgotten, given up for lack of a worker, or learned by another way while it waited."""
    [queued] = await submit(company, "A fact.")
    if end == "sweep":
        async with await AsyncConnection.connect(postgres.admin, autocommit=True) as admin:
            late = "update vocero.document set deadline = now() - interval '1 s' where name = %s"
            await admin.execute(late, (queued.document,))
        await company.librarian.sweep()
    elif end == "learn":
        await company.teach("0.md", "Another fact.")
    else:
        await getattr(company.librarian, end)(company.workspace, queued.document)
    [told] = await delivered(company)
    assert [one["state"] for one in told.arrival.payload["ends"]] == [state]


async def test_an_order_that_is_given_again_is_not_told_twice(company: Company) -> None:
    """A process that died before it said so gives the order again: before the end and after it."""
    [first] = await submit(company, "A fact.")
    [again] = await submit(company, "A fact.")
    assert (again.state, again.document) == (State.QUEUED, "")
    await work(company, first)
    [late] = await submit(company, "A fact.")
    assert late.state is State.QUEUED
    assert len(await delivered(company)) == 1


@pytest.mark.slow
async def test_two_who_gave_the_same_both_hear(company: Company) -> None:
    """The newer content wins, and either order is answered."""
    [older] = await submit(company, "An old fact.", key="order-1")
    await submit(company, "A new fact.", key="order-2")
    await work(company, older)
    assert len(await delivered(company)) == 2


@pytest.mark.slow
async def test_the_last_two_ending_at_one_moment_are_told(company: Company) -> None:
    """Neither waits for the other for ever, and it is told once."""
    for turn in range(8):
        queued = await submit(company, f"broken {turn}", f"broken too {turn}", key=f"order-{turn}")
        await asyncio.gather(*(company.librarian.work(company.workspace, one.document) for one in queued))
        [told] = await delivered(company)
        assert len(told.arrival.payload["ends"]) == 2


@pytest.mark.slow
async def test_what_ends_at_once_is_not_waited_for(company: Company) -> None:
    """Unchanged and forgotten sources are answered in the reply itself; nobody hears of them again."""
    await company.teach("0.md", "A fact.")
    await company.teach("1.md", "Another fact.")
    await company.librarian.forget(company.workspace, "1.md")
    ends = await submit(company, "A fact.", "Another fact.")
    assert [one.state for one in ends] == [State.UNCHANGED, State.FAILED]
    assert await delivered(company) == []


async def test_who_is_forgotten_hears_nothing(company: Company, postgres: Urls) -> None:
    """A person's notices go with them; their document is learned all the same."""
    from infra.postgres.journal import Journal

    [queued] = await submit(company, "A fact.")
    gone = dict(await Journal(company.database).erase(company.workspace, user="p1"))
    assert gone["notices"] == 1
    await work(company, queued)
    assert await delivered(company) == []


@pytest.mark.slow
async def test_a_crawl_is_one_job_and_tells_its_pages(company: Company) -> None:
    """The pages below are documents of their own; the end says how many there were and how many not."""
    pages = {
        "https://x.example/docs/": b"# Start\n\nSee https://x.example/docs/a and https://x.example/docs/b and https://x.example/other",
        "https://x.example/docs/a": b"# A",
        "https://x.example/docs/b": b"broken",
        "https://x.example/other": b"# Other",
    }
    company.web.pages.update(pages)
    start = Source(name="https://x.example/docs/", url="https://x.example/docs/")
    place = Place(workspace=company.workspace)
    [queued] = await company.librarian.submit_all([start], place, depth=2, notice=to_notice(company))
    await work(company, queued)
    [told] = await delivered(company)
    [end] = told.arrival.payload["ends"]
    assert (end["state"], end["pages"], end["failed"]) == ("indexed", 1, 1)
    found = await company.librarian.documents(company.workspace)
    assert {d.source: d.state for d in found} == {
        "https://x.example/docs/": State.INDEXED,
        "https://x.example/docs/a": State.INDEXED,
        "https://x.example/docs/b": State.FAILED,
    }


@pytest.mark.slow
async def test_a_sitemap_is_no_document(company: Company) -> None:
    """Its pages are learned; the sitemap itself ends without text, and says why."""
    url = "https://y.example/sitemap.xml"
    company.web.pages[url] = b"<urlset><url><loc>https://y.example/a</loc></url></urlset>"
    company.web.pages["https://y.example/a"] = b"# A fact"
    place = Place(workspace=company.workspace)
    [queued] = await company.librarian.submit_all(
        [Source(name=url, url=url)], place, depth=1, notice=to_notice(company)
    )
    await work(company, queued)
    [told] = await delivered(company)
    [end] = told.arrival.payload["ends"]
    assert (end["state"], end["pages"], "sitemap" in end["reason"]) == ("unchanged", 1, True)
