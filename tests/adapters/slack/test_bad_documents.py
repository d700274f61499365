"""What cannot be learned, by chat, on the real line: one sentence with reason and remedy, and what was stays."""

import re
from types import SimpleNamespace

import pytest

from core.bot import Bot
from core.documents import Place, Source, State
from core.grounding import STRICT
from infra.knowledge.engine import KnowledgeEngine
from infra.knowledge.librarian import Librarian
from infra.knowledge.scans import Readers
from infra.postgres.pool import Database
from tests.adapters.slack.conftest import TEAM, Joined, joined
from tests.adapters.slack.test_commands import said
from tests.fakes.brain import Recollection
from tests.infra.knowledge.bad_pages import BAD, ELSEWHERE, GOOD, to_fetch
from tests.infra.knowledge.files import column, pdf
from tests.infra.knowledge.teaching import WordEmbedder
from tests.infra.knowledge.web import Site, serving

pytestmark = pytest.mark.slow

BAD_FILES = {
    "empty.txt": (b"", r"empty"),
    "blank.md": (b" \n\t ", r"empty|no text"),
    "long.txt": (b"word " * 1_000_001, r"5,000,000 characters: split it"),
    "locked.pdf": (pdf(column("secret"), locked=True), r"password-protected: save a copy"),
    "scanned.pdf": (pdf([], image=True), r"scanned.*run OCR first.*setup-docling"),
    "picture.txt": (b"\x89PNG\r\n\x1a\n" + bytes(50), r"image.*add"),
    "wrong.docx": (b"not a document at all", r"not a|damaged|misnamed"),
    "halves.txt": (b"\xff\xfe\x00\xd8\x00\xd8", r"text|read|empty"),
    "keys.md": (b"# Keys\n\naws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYzZ9kLmQp3T", r"secret|key"),
}


@pytest.fixture
async def site():
    """A site on loopback."""
    async with serving() as site:
        yield site


@pytest.fixture
async def desk(database: Database, site: Site):
    """The bot in the fake Slack, with the real librarian, readers and fetch."""
    embedder, recollection = WordEmbedder(), Recollection()
    async with Readers(python="") as readers:
        librarian = Librarian(database, embedder, fetch=to_fetch(site), parse=readers.parse)
        bot = Bot(
            knowledge=KnowledgeEngine(database, embedder),
            librarian=librarian,
            embedder=embedder,
            memory=recollection,
            cache=recollection,
            journal=recollection,
            voices=recollection,
            guard=STRICT,
        )
        mind = SimpleNamespace(bot=bot, librarian=librarian, recollection=recollection)
        async with joined(database, mind=mind) as running:
            yield running


async def states(desk: Joined) -> dict[str, tuple[str, int]]:
    """Where every document stands, and how many of its chunks answer."""
    found = await desk.brain.librarian.documents(TEAM)
    return {d.source: (d.state.value, d.chunks) for d in found}


def sentence(shown: str, reason: str) -> bool:
    """Whether one sentence was said, with its reason and its remedy, and nothing technical."""
    told = shown.replace("`", "").replace("\u2060", "")
    return bool(re.search(reason, told, re.IGNORECASE | re.DOTALL)) and "Traceback" not in told and len(told) < 400


@pytest.mark.timeout(180)
async def test_bad_addresses_are_explained_in_the_thread_and_what_was_stays(desk: Joined, site: Site) -> None:
    """Learned once, then each page turns bad: the reason is told, and the version before still answers."""
    wrong = []
    for name, (page, reason) in BAD.items():
        site.pages[f"/{name}"] = GOOD
        assert "Learned" in await said(desk, f"@vocero add {site.url(f'/{name}')}"), name
        site.pages[f"/{name}"] = page
        shown = await said(desk, f"@vocero add {site.url(f'/{name}')}")
        if "I could not learn" not in shown or not sentence(shown, reason):
            wrong.append((name, shown))
        if (await states(desk))[site.url(f"/{name}")] != (State.FAILED.value, 1):
            wrong.append((name, (await states(desk))[site.url(f"/{name}")]))
    for url, reason in ELSEWHERE.items():
        shown = await said(desk, f"@vocero add {url}")
        if not sentence(shown, reason):
            wrong.append((url, shown))
    assert not wrong, "\n".join(map(str, wrong))
    assert "8:15" in await said(desk, "@vocero The workshop opens at what time on weekdays?")


@pytest.mark.timeout(180)
async def test_bad_files_are_explained_and_nothing_of_them_is_known(desk: Joined) -> None:
    """Each ends failed with its reason, without a chunk; a secret is never repeated."""
    wrong = []
    for name, (content, reason) in BAD_FILES.items():
        shown = await said(desk, "@vocero add", files=[desk.slack.file(name, content)])
        if "I could not learn" not in shown or not sentence(shown, reason) or "wJalr" in shown:
            wrong.append((name, shown))
    assert not wrong, "\n".join(map(str, wrong))
    failed = [state for source, state in (await states(desk)).items() if source.startswith("slack-file:")]
    assert failed == [("failed", 0)] * len(BAD_FILES)


async def test_what_is_there_already_or_unknown_or_not_allowed_changes_nothing(
    desk: Joined, database: Database
) -> None:
    """A duplicate is up to date, an unknown document is named, and who may not is told so."""
    file = desk.slack.file("menu.md", b"# Canteen menu\n\nThursday is soup day.")
    assert "Learned Canteen menu" in await said(desk, "@vocero add", files=[file])
    before = await states(desk)
    same = desk.slack.file("menu.md", b"# Canteen menu\n\nThursday is soup day.")
    assert "already up to date" in await said(desk, "@vocero add", files=[same])
    for command in ("remove", "forget", "refresh"):
        assert "There is no document 'nothing.md'" in await said(desk, f"@vocero {command} nothing.md")
    assert "for example: add <https://example.com/handbook> to people" in await said(desk, "@vocero add")
    for command in ("add: a rumour", "remove menu.md", "forget menu.md", "share menu.md with workspace", "undo"):
        assert "Only admins may use" in await said(desk, f"@vocero {command}", user="ben")
    async with database.reading(TEAM) as connection:
        cursor = await connection.execute(
            "select action, person from vocero.audit where starts_with(action, 'refused') order by id"
        )
        told = [("refused " + verb, "slack/T0TEAM/U0BEN") for verb in ("add", "remove", "forget", "share", "undo")]
        assert await cursor.fetchall() == told
    assert await states(desk) == before | {"slack-file:menu.md": ("unchanged", 1)}
    assert "Thursday" in await said(desk, "@vocero Thursday is what day?")


async def test_what_waits_says_what_for_and_until_when(desk: Joined) -> None:
    """By name and in the list: stage, attempt and deadline; one that has ended says nothing of them."""
    source = Source(name="later.md", content=b"# Later\n\nA fact.", title="Later")
    await desk.brain.librarian.submit(source, Place(workspace=TEAM))
    shown = await said(desk, "@vocero status later.md")
    assert re.search(r"queued.*\(waiting for a worker; attempt 1, until \d\d:\d\d UTC\)", shown)
    assert "(waiting for a worker; attempt 1" in await said(desk, "@vocero status")
    queued, _ = await desk.brain.librarian.document(TEAM, "later.md")
    await desk.brain.librarian.work(TEAM, queued.id)
    assert "attempt" not in await said(desk, "@vocero status later.md")
