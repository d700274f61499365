"""What an admin may change and take back: refresh, undo, share, default collections, whole sites, chat threads."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from core.audience import EVERYONE, Audience
from core.documents import Learned, Place, Said, Source, State, to_thread
from core.errors import InputError, RefusedError, UnknownError
from infra.knowledge.crawl import Crawl, below
from infra.knowledge.librarian import Librarian
from infra.knowledge.readers import read
from infra.knowledge.readers.parsed import Parsed
from infra.postgres.pool import Database
from tests.infra.knowledge.teaching import Company, read_markdown
from tests.infra.knowledge.test_librarian import Waiting

CHANNEL = "channel:C1"
PAGE = "https://x.example/docs/"


@pytest.fixture
def company(database: Database) -> Company:
    """A workspace of its own for each test."""
    return Company(database)


async def texts(company: Company, name: str) -> list[str]:
    return [chunk.text for chunk in (await company.librarian.document(company.workspace, name))[1]]


async def found(company: Company, query: str, *scopes: str) -> list[str]:
    readers = Audience(frozenset(scopes)) if scopes else EVERYONE
    passages = await company.engine.retrieve(query, workspace=company.workspace, audience=readers, limit=9)
    return [passage.text for passage in passages.passages]


async def fetched(company: Company, text: str, etag: str = "") -> Learned:
    company.web.pages[PAGE] = text.encode()
    company.web.etags[PAGE] = etag
    return await company.librarian.learn(Source(name=PAGE, url=PAGE), Place(workspace=company.workspace))


# Refresh


async def test_a_refresh_asks_whether_the_page_changed(company: Company) -> None:
    """With the same mark nothing is read; with another one the new version is learned, and the id stays."""
    first = await fetched(company, "The old price.", '"1"')
    assert (await company.librarian.refresh(company.workspace, PAGE)).state is State.UNCHANGED
    company.web.pages[PAGE], company.web.etags[PAGE] = b"The new price.", '"2"'
    again = await company.librarian.refresh(company.workspace, first.document)
    assert (again.state, again.document) == (State.INDEXED, first.document)
    assert await texts(company, PAGE) == ["The new price."]
    assert (await company.librarian.refresh(company.workspace, PAGE)).state is State.UNCHANGED


async def test_a_page_that_is_gone_stays_known_and_says_so(company: Company) -> None:
    """A failed refresh leaves what was learned."""
    await fetched(company, "The old price.")
    del company.web.pages[PAGE]
    failed = await company.librarian.refresh(company.workspace, PAGE)
    assert (failed.state, "404" in failed.reason) == (State.FAILED, True)
    assert await texts(company, PAGE) == ["The old price."]


async def test_what_has_no_address_cannot_be_refreshed(company: Company) -> None:
    """A file or pasted text is refused with the remedy; an unknown name as everywhere."""
    await company.teach("a.md", "A fact.")
    with pytest.raises(RefusedError, match="add its new version"):
        await company.librarian.refresh(company.workspace, "a.md")
    with pytest.raises(UnknownError):
        await company.librarian.refresh(company.workspace, "b.md")


# Undo


async def test_an_edit_is_taken_back_and_again(company: Company) -> None:
    """The version before comes back without embedding anything; a second undo brings the edit back."""
    await company.teach("a.md", "# Part\n\nThe old fact.")
    await company.teach("a.md", "# Part\n\nThe new fact.")
    before = company.embedder.embedded
    undone = await company.librarian.undo(company.workspace, "a.md", by="test/U1")
    assert (undone.state, await texts(company, "a.md")) == (State.INDEXED, ["The old fact."])
    await company.librarian.undo(company.workspace)
    assert await texts(company, "a.md") == ["The new fact."]
    assert company.embedder.embedded == before
    assert await found(company, "fact") == ["The new fact."]
    assert (await company.teach("a.md", "# Part\n\nThe new fact.")).state is State.UNCHANGED
    assert (await company.librarian.document(company.workspace, "a.md"))[0].revision == 4


async def test_adding_and_removing_are_taken_back(company: Company) -> None:
    """Undoing the first learning takes the document away; undoing a removal brings it back."""
    await company.teach("a.md", "A fact.")
    undone = await company.librarian.undo(company.workspace)
    assert (undone.state, await found(company, "fact")) == (State.REMOVED, [])
    await company.teach("a.md", "A fact.")
    await company.librarian.remove(company.workspace, "a.md")
    assert (await company.librarian.undo(company.workspace, "a.md")).state is State.INDEXED
    assert await found(company, "fact") == ["A fact."]


async def test_undo_without_a_name_takes_the_last_change_of_all(company: Company) -> None:
    """Of two documents the one that changed last."""
    await company.teach("a.md", "The first fact.")
    await company.teach("b.md", "The second fact.")
    await company.teach("a.md", "The edited fact.")
    await company.librarian.undo(company.workspace)
    assert await texts(company, "a.md") == ["The first fact."]
    assert await texts(company, "b.md") == ["The second fact."]


async def test_there_may_be_nothing_to_take_back(company: Company) -> None:
    """An empty workspace and a document that never became live each get a sentence."""
    await company.teach("a.md", "broken")
    with pytest.raises(InputError, match="no change to take back"):
        await company.librarian.undo(company.workspace)
    with pytest.raises(InputError, match="no earlier version"):
        await company.librarian.undo(company.workspace, "a.md")


# Share and default collections


async def test_a_shared_document_is_found_by_its_new_readers_only(company: Company) -> None:
    """It moves with its vectors, both editions rise, and an undo moves it back."""
    await company.teach("a.md", "The heron fact.", scope=CHANNEL)
    assert await found(company, "heron") == []
    shared = await company.librarian.share(company.workspace, "a.md", "workspace", by="test/U1")
    assert (shared.scope, shared.collection) == ("workspace", "general")
    assert await found(company, "heron") == ["The heron fact."]
    assert await found(company, "heron", CHANNEL) == []
    shelf = await company.engine.shelf(company.workspace, Audience(frozenset({"workspace", CHANNEL})))
    assert (shelf.chunks, shelf.editions) == (1, ((CHANNEL, 2), ("general", 1)))
    await company.librarian.undo(company.workspace)
    assert (await found(company, "heron"), await found(company, "heron", CHANNEL)) == ([], ["The heron fact."])


async def test_what_is_being_learned_goes_where_its_document_went(company: Company) -> None:
    """A learning that ends after the sharing is seen by the new readers and by no one else."""
    await company.teach("a.md", "The old heron.")
    waiting = Waiting()
    slow = Librarian(company.database, waiting, fetch=company.web.fetch, parse=read_markdown)
    place = Place(workspace=company.workspace)
    learning = asyncio.create_task(slow.learn(Source(name="a.md", content=b"The new heron."), place))
    await waiting.reached.wait()
    await company.librarian.share(company.workspace, "a.md", CHANNEL)
    waiting.go_on.set()
    assert (await learning).state is State.INDEXED
    assert (await found(company, "heron"), await found(company, "heron", CHANNEL)) == ([], ["The new heron."])


async def test_a_document_is_not_shared_over_another_of_its_source(company: Company) -> None:
    """Two documents of one source cannot stand in one collection; nothing moves."""
    await company.teach("a.md", "The open fact.")
    await company.teach("a.md", "The closed fact.", scope=CHANNEL)
    closed = (await company.librarian.documents(company.workspace, Audience(frozenset({CHANNEL}))))[0]
    with pytest.raises(InputError, match="same source"):
        await company.librarian.share(company.workspace, closed.id, "workspace")
    with pytest.raises(InputError, match="no scope"):
        await company.librarian.share(company.workspace, closed.id, "everyone")
    assert await found(company, "fact", CHANNEL) == ["The closed fact."]


async def test_a_channels_default_collection_can_be_chosen(company: Company) -> None:
    """Documents of that scope go there when no collection is named, and nobody else's."""
    place = Place(workspace=company.workspace, collection="people", scope=CHANNEL)
    await company.librarian.prefer(place, by="test/U1")
    await company.teach("a.md", "A fact.", scope=CHANNEL)
    await company.teach("b.md", "A fact of all.")
    named = {d.source: d.collection for d in await company.librarian.documents(company.workspace)}
    assert named == {"a.md": "people", "b.md": "general"}
    with pytest.raises(InputError, match="people"):
        await company.librarian.prefer(replace(place, scope="workspace"))


# Sites


def page(*links: str, text: str = "Some words.") -> bytes:
    return f"<html><body><p>{text}</p>{''.join(f'<a href={link}>x</a>' for link in links)}</body></html>".encode()


async def read_page(content: bytes, *, name: str, media_type: str = "") -> Parsed:
    return read(content, name=name, media_type=media_type)


async def walk(company: Company, depth: int, start: str = PAGE) -> list[str]:
    crawl = Crawl(company.web.fetch, read_page, pause=0)
    return [address async for address in crawl.pages(start, depth)]


async def test_a_crawl_stays_on_its_site_and_below_its_page(company: Company) -> None:
    """Each page once, however it is linked; no pictures, no other folder or host; no further than told."""
    links = ("a", "a#part", "b?page=2", "../other", "https://y.example/docs/c", "map.png", "mailto:a@x.example")
    company.web.pages |= {PAGE: page(*links), f"{PAGE}a": page("deep", PAGE), f"{PAGE}deep": page("deeper")}
    assert await walk(company, 0) == [PAGE]
    assert await walk(company, 1) == [PAGE, f"{PAGE}a", f"{PAGE}b?page=2"]
    assert await walk(company, 2) == [PAGE, f"{PAGE}a", f"{PAGE}b?page=2", f"{PAGE}deep"]
    assert company.web.fetched.count("https://x.example/robots.txt") == 3
    with pytest.raises(InputError, match="at most 5"):
        await walk(company, 6)


async def test_a_crawl_reads_a_sitemap_and_obeys_robots(company: Company) -> None:
    """A sitemap is no document but leads to them; what robots.txt forbids is told as refused."""
    sitemap = "https://x.example/sitemap.xml"
    listed = "".join(f"<url><loc>https://x.example/{name}</loc></url>" for name in ("a&amp;b", "secret/c"))
    company.web.pages |= {
        sitemap: f"<?xml version='1.0'?><urlset>{listed}</urlset>".encode(),
        "https://x.example/a&b": page(),
        "https://x.example/robots.txt": b"User-agent: *\nDisallow: /secret/",
    }
    crawl = Crawl(company.web.fetch, read_page, pause=0)
    assert [address async for address in crawl.pages(sitemap, 1)] == [
        "https://x.example/a&b",
        "https://x.example/secret/c",
    ]
    assert (await crawl.again("https://x.example/a&b")).content == page()
    with pytest.raises(RefusedError, match="robots"):
        await crawl.again("https://x.example/secret/c")


async def test_a_crawled_site_is_learned_page_by_page_and_fetched_once(company: Company) -> None:
    """Every page is a document of its own address; a dead link fails with its reason and stops nothing."""
    company.web.pages |= {PAGE: page("a", "gone", text="The heron."), f"{PAGE}a": page(text="The gull.")}
    librarian = Librarian(company.database, company.embedder, fetch=company.web.fetch, parse=read_page)
    place = Place(workspace=company.workspace)
    ended = [one async for one in librarian.crawl(PAGE, place, depth=1)]
    assert [(one.source, one.state) for one in ended] == [
        (PAGE, State.INDEXED),
        (f"{PAGE}a", State.INDEXED),
        (f"{PAGE}gone", State.FAILED),
    ]
    assert len(company.web.fetched) == len(set(company.web.fetched))
    assert "The gull." in (await found(company, "gull"))[0]


@pytest.mark.parametrize(
    ("link", "start", "inside"),
    [
        ("https://x.example/docs/a", "https://x.example/docs/index.html", True),
        ("https://X.example/docs/a", "https://x.example/docs/", True),
        ("https://x.example/docsier/a", "https://x.example/docs/", False),
        ("https://x.example.evil/docs/a", "https://x.example/docs/", False),
        ("https://x.example:8080/docs/a", "https://x.example/docs/", False),
        ("ftp://x.example/docs/a", "https://x.example/docs/", False),
        ("https://x.example", "https://x.example", True),
        ("https://x.example/anything", "https://x.example/sitemap.xml", True),
    ],
)
def test_what_belongs_to_a_site(link: str, start: str, inside: bool) -> None:
    """The same host and port, in the folder of the first page or under it."""
    assert below(link, start) is inside


# Threads


def test_a_chat_thread_becomes_a_document() -> None:
    """Who said what on which day, named by its conversation, titled by its first words."""
    day = datetime(2026, 11, 20, tzinfo=UTC)
    said = [Said(who="Ann", text="When do we open?", when=day), Said(who="Ben", text="At 8:15.", when=day)]
    source = to_thread(said, conversation="slack/T1/C2/1.0")
    assert (source.name, source.title) == ("thread:slack/T1/C2/1.0", "When do we open?")
    assert (
        source.content or b""
    ).decode() == "**Ann** (2026-11-20): When do we open?\n\n**Ben** (2026-11-20): At 8:15."
