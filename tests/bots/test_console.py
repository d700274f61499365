"""The console's page without a browser, on the real bot."""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager

import pytest
from nicegui import ElementFilter, ui
from nicegui.elements.upload_files import SmallFileUpload
from nicegui.testing import User
from nicegui.testing.user_interaction import UserInteraction
from nicegui.testing.user_simulation import user_simulation

from adapters.console.desk import Desk
from adapters.console.page import Page, close_pages
from core.bar import Bar
from core.messages import Answer, Outcome
from tests.fakes.brain import Brain, Script, brain, taught
from tests.fakes.console import EXAMPLES, LINES, TEXTS, WEB

pytestmark = pytest.mark.slow


class Tab:
    """A page opened by NiceGUI's simulated user, in the words of a person."""

    def __init__(self, user: User) -> None:
        self.user = user

    def seen(self, mark: str) -> list[str]:
        """Return the text of each visible element with this mark, its children's included."""
        return [_text(element) for element in self.all(mark)]

    def all(self, mark: str) -> list[ui.element]:
        """Return the visible elements with this mark, in the order of the page."""
        assert self.user.client is not None
        with self.user.client:
            found = list(ElementFilter(marker=mark))
        return [e for e in found if all(above.visible for above in (e, *e.ancestors()))]

    async def until(self, right: Callable[[], object], *, seconds: float = 5.0) -> None:
        """Wait until something holds."""
        end = time.monotonic() + seconds
        while not right():
            assert time.monotonic() < end, f"never: {right}"
            await asyncio.sleep(0.01)

    async def click(self, mark: str, n: int = -1) -> None:
        """Click an element once it is there."""
        await self.until(lambda: self.all(mark))
        element = self.all(mark)[n]
        assert "disabled" not in element.props, f"{mark} is disabled"
        UserInteraction(self.user, {element}, None).click()

    def change(self, mark: str, value: object) -> None:
        """Choose a value in a native control."""
        UserInteraction(self.user, {self.all(mark)[-1]}, None).trigger("change", value)

    async def write(self, mark: str, text: str) -> None:
        """Type into a field once it is there."""
        await self.until(lambda: self.all(mark))
        self.user.find(marker=mark).type(text)

    async def ask(self, text: str) -> str:
        """Ask and return the outcome's words."""
        await self.write("question", text)
        before = len(self.seen("outcome"))
        self.user.find(marker="question").trigger("keydown.enter")
        await self.until(lambda: len(self.seen("outcome")) > before)
        return self.seen("outcome")[-1]


def _text(element: ui.element) -> str:
    inner = [_text(child) for slot in element.slots.values() for child in slot.children]
    return (getattr(element, "text", "") or "") + "".join(inner)


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Fail when the page logged an error that no one saw."""
    yield
    assert not [r.getMessage() for r in caplog.get_records("call") if r.levelname == "ERROR"]


@asynccontextmanager
async def opened(desk: Desk) -> AsyncIterator[Tab]:
    """Open the page of a desk in a simulated browser."""

    async def root() -> None:
        await Page(desk).fill()

    async with user_simulation(root=root) as user:
        await user.open("/")
        try:
            yield Tab(user)
        finally:
            await close_pages()


@asynccontextmanager
async def asking(speaker: Script | None = None, notes: tuple[str, ...] = ()) -> AsyncIterator[tuple[Tab, Brain]]:
    """Open the page on a taught brain."""
    vocero = await taught(brain(speaker=speaker, web=WEB, notes=notes), TEXTS)
    desk = Desk(workspace="local", examples=EXAMPLES, product=vocero)
    async with opened(desk) as tab:
        yield tab, vocero


async def test_an_answer_arrives_sentence_by_sentence_and_its_end_wins() -> None:
    """Each checked sentence is on the page before the next one is written; then the whole answer with its outcome."""
    async with asking(Script(LINES, pause=0.02)) as (tab, _):
        await tab.click("example-0")
        await tab.until(lambda: len(tab.seen("piece")) == 1)
        assert tab.seen("piece")[0].startswith("Refunds are paid within 5 working days")
        assert tab.seen("status") == ["Writing …"]
        assert not tab.seen("outcome")
        await tab.until(lambda: len(tab.seen("piece")) == 2)
        await tab.until(lambda: tab.seen("outcome"))
        assert tab.seen("outcome") == ["Answered"]
        assert not tab.seen("piece")
        assert "a voucher instead" in tab.seen("said")[0]
        assert "each sentence checked against the documents" in tab.seen("facts")[0]


async def test_a_source_opens_with_what_was_quoted_highlighted() -> None:
    """A marker opens its source: the title, the passage, and the sentence the answer rests on."""
    async with asking(Script(LINES)) as (tab, _):
        await tab.ask("When are refunds paid?")
        await tab.click("cite-1", 0)
        assert tab.seen("source-title") == ["Refund policy"]
        passage = tab.all("passage")[0]
        marked = [_text(e) for e in passage.descendants() if e.tag == "mark"]
        assert "Refunds are paid within 5 working days of the tent reaching our workshop." in marked
        assert not any("Return postage" in text for text in marked)
        await tab.click("close-source")
        assert not tab.seen("source-title")


async def test_every_outcome_is_said_in_words() -> None:
    """Quoted, unknown, refused and failed look different in words, and each says what came of the question."""
    async with asking() as (tab, vocero):
        assert await tab.ask("When are refunds paid?") == "Quoted from the documents"
        assert await tab.ask("Who won the cup in 1974?") == "Don’t know"
        assert vocero.recollection.gaps[-1].text == "Who won the cup in 1974?"
        assert await tab.ask("\u202e\u200b x " + "y" * 8_000) == "Refused"
        vocero.knowledge.down = "The database cannot be reached."
        assert await tab.ask("When is the workshop open?") == "Failed"


async def test_a_follow_up_is_understood_and_a_new_conversation_forgets() -> None:
    """The second question leans on the first; after New it stands alone, under another conversation id."""
    async with asking(Script(LINES)) as (tab, vocero):
        await tab.ask("How long is the warranty on a seam?")
        await tab.ask("And on the poles?")
        assert tab.seen("understood") == ["Understood as: How long is the warranty on a seam? And on the poles?"]
        assert "2 years" in tab.seen("said")[-1]
        first = {q.conversation for q, _ in vocero.recollection.noted}
        await tab.click("anew")
        await tab.until(lambda: tab.seen("welcome"))
        await tab.ask("And on the poles?")
        assert not tab.seen("understood")
        last = vocero.recollection.noted[-1][0].conversation
        assert len(first) == 1
        assert re.fullmatch(r"console/[0-9a-f]{16}", last)
        assert last not in first


async def test_stopping_cancels_the_generation() -> None:
    """Stop ends the model's work at once, says so, and the next question works."""
    speaker = Script(LINES, pause=0.05)
    async with asking(speaker) as (tab, vocero):
        await tab.click("example-0")
        await tab.until(lambda: tab.seen("piece"))
        await tab.click("stop")
        await tab.until(lambda: tab.seen("stopped"))
        assert (speaker.cancelled, speaker.finished) == (1, 0)
        assert not vocero.recollection.noted
        speaker.pause = 0.0
        assert await tab.ask("When are refunds paid?") == "Answered"


async def test_leaving_the_page_cancels_the_generation() -> None:
    """A closed tab does not keep the model writing."""
    speaker = Script(LINES, pause=0.05)
    async with asking(speaker) as (tab, _):
        await tab.click("example-0")
        await tab.until(lambda: tab.seen("piece"))
        assert tab.user.client is not None
        tab.user.client.delete()
        await tab.until(lambda: speaker.cancelled)
        assert speaker.finished == 0


async def test_nothing_is_sent_while_the_field_is_empty() -> None:
    """Send is disabled for nothing and for blanks; Enter then asks nothing."""
    async with asking() as (tab, vocero):
        await tab.until(lambda: tab.all("send"))
        assert tab.all("send")[0].props["disabled"] is True
        await tab.write("question", "  \n ")
        assert tab.all("send")[0].props["disabled"] is True
        tab.user.find(marker="question").trigger("keydown.enter")
        await tab.write("question", "x")
        assert "disabled" not in tab.all("send")[0].props
        assert not vocero.recollection.noted


async def test_a_reload_shows_the_conversation_again() -> None:
    """What was said in this tab is there after a reload, and the bot still knows it as the same conversation."""
    async with asking(Script(LINES)) as (tab, vocero):
        await tab.ask("How long is the warranty on a seam?")
        await tab.user.open("/")
        await tab.until(lambda: tab.seen("said"))
        assert tab.seen("asked") == ["How long is the warranty on a seam?"]
        await tab.ask("And on the poles?")
        assert len({q.conversation for q, _ in vocero.recollection.noted}) == 1


async def test_what_is_asked_and_answered_is_text_and_never_markup() -> None:
    """Script, image and dangerous links in a question, an answer and a title stay what was typed."""
    evil = "<img src=x onerror=alert(1)> [go](javascript:alert(1)) ![p](https://spy.example/p.png) <script>1</script>"
    vocero = await taught(brain(), {"<b>evil</b>.md": f"# <i>Evil</i> {evil}\n\nThe zebra password is {evil} [1].\n"})
    async with opened(Desk(workspace="local", product=vocero)) as tab:
        await tab.ask(f"What is the zebra password? {evil}")
        assert tab.seen("asked") == [f"What is the zebra password? {evil}"]
        assert tab.user.client is not None
        tags = {e.tag for e in tab.user.client.elements.values()}
        hrefs = {e.props.get("href") for e in tab.user.client.elements.values() if e.tag == "a"}
        assert not tags & {"img", "script", "iframe", "i", "b"}
        assert all(href is None or href.startswith(("#", "https://")) for href in hrefs)
        assert not any("innerHTML" in e.props for e in tab.user.client.elements.values())


async def test_documents_are_added_by_address_file_and_text_and_removed() -> None:
    """Each way ends in a sentence; the list follows; a removed document no longer answers."""
    async with asking() as (tab, vocero):
        await tab.click("view-documents")
        await tab.until(lambda: len(tab.all("document")) == len(TEXTS))
        await tab.write("address", "wrenfold.example/care")
        await tab.click("add-address")
        await tab.until(lambda: any("Added “Caring for canvas”: 1 passage" in s for s in tab.seen("ended")))
        await tab.click("by-file")
        upload = tab.user.find(marker="upload").elements.pop()
        assert isinstance(upload, ui.upload)
        await upload.handle_uploads(
            [SmallFileUpload("pets.md", "text/markdown", b"# Pets\n\nDogs may come on Fridays.")]
        )
        await tab.until(lambda: any("Added “Pets”" in s for s in tab.seen("ended")))
        await tab.click("by-text")
        await tab.write("title", "Parking")
        await tab.write("text", "Park behind the barn.")
        await tab.click("add-text")
        await tab.until(lambda: len(tab.all("document")) == len(TEXTS) + 3)
        added = {d.source: d.added_by for d in await vocero.librarian.documents("local")}
        assert added["https://wrenfold.example/care"] == added["pets.md"] == added["text/Parking"] == "console"
        await tab.click("view-ask")
        assert await tab.ask("When may dogs come?") == "Quoted from the documents"
        await tab.click("view-documents")
        await tab.until(lambda: tab.all("document"))
        row = next(n for n, text in enumerate(tab.seen("document")) if text.startswith("Pets"))
        await tab.click("remove", row)
        await tab.click("remove-it")
        await tab.until(lambda: tab.seen("documents-said") == ["Removed “Pets”."])
        await tab.click("view-ask")
        assert await tab.ask("When may dogs come?") == "Don’t know"


async def test_what_cannot_be_added_says_why() -> None:
    """A page that is not there, no address at all, an empty text and a file too large each get their sentence."""
    async with asking() as (tab, vocero):
        await tab.click("view-documents")
        await tab.write("address", "https://wrenfold.example/gone")
        await tab.click("add-address")
        await tab.until(lambda: tab.seen("ended"))
        assert tab.seen("ended")[-1].endswith("was not added: The page answered 404 Not Found.")
        await tab.write("address", "javascript://x")
        await tab.click("add-address")
        assert "is no address of a page" in tab.seen("ended")[-1]
        await tab.click("by-file")
        upload = tab.user.find(marker="upload").elements.pop()
        assert isinstance(upload, ui.upload)
        await upload.handle_uploads([SmallFileUpload("big.txt", "", b"x" * (20 * 1024 * 1024 + 1))])
        await tab.until(lambda: "larger than 20 MB" in tab.seen("ended")[-1])
        await upload.handle_uploads([SmallFileUpload("empty.txt", "", b"")])
        await tab.until(lambda: tab.seen("ended")[-1].endswith("There is no text in it."))
        assert len(await vocero.librarian.documents("local")) == len(TEXTS)


async def test_a_removal_is_asked_about_first() -> None:
    """Keeping a document after all keeps it."""
    async with asking() as (tab, vocero):
        await tab.click("view-documents")
        await tab.click("remove", 0)
        await tab.click("keep")
        await asyncio.sleep(0.05)
        assert len(await vocero.librarian.documents("local")) == len(TEXTS)


async def test_settings_of_a_channel_are_shown_and_kept() -> None:
    """A channel is chosen by its name; each setting says what it does; a change is kept at once and says so."""
    async with asking() as (tab, vocero):
        await tab.click("view-settings")
        await tab.until(lambda: "No channel yet" in "".join(tab.seen("rooms")))
        await vocero.rooms.change("local", "slack/T1/C1", "quiet", "off", by="slack/T1/U1", label="#people")
        await vocero.rooms.change("local", "slack/T1/C2", "quiet", "off", by="slack/T1/U1")
        await tab.click("view-settings")
        await tab.until(lambda: "#people (slack/T1/C1)" in "".join(tab.seen("room")))
        assert "What I cannot answer I say to the asker alone." in tab.seen("setting-quiet")[0]
        tab.change("set-quiet", "on")
        await tab.until(lambda: tab.seen("settings-said") == ["Saved: quiet is on. It holds within seconds."])
        collection = (await vocero.librarian.documents("local"))[0].collection
        tab.change(f"collection-{collection}", True)
        await tab.until(lambda: f"collections is {collection}" in "".join(tab.seen("settings-said")))
        kept = await vocero.rooms.settings("local", "slack/T1/C1")
        assert (kept.quiet, kept.collections) == (True, (collection,))
        assert "not measured" in tab.seen("sure")[0]
        vocero.bars.kept = Bar(n=40, answered=0.9, refused=0.6)
        tab.change("room", "slack/T1/C2")
        await tab.until(lambda: tab.seen("changed-by") == ["Last changed by slack/T1/U1."])
        tab.change("set-language", "es")
        await tab.until(lambda: "language is es" in "".join(tab.seen("settings-said")))
        assert (await vocero.rooms.settings("local", "slack/T1/C2")).language == "es"
        assert not (await vocero.rooms.settings("local", "slack/T1/C2")).quiet
        await tab.click("view-settings")
        await tab.until(lambda: "answer 10% are refused, of the others 40% are answered" in tab.seen("sure")[0])


async def test_the_page_says_that_the_bot_is_starting_and_then_opens() -> None:
    """Before the bot is open the page shows each step; it turns into the chat by itself."""
    desk = Desk(workspace="local")
    desk.say("starting the database")
    async with opened(desk) as tab:
        await tab.until(lambda: "starting the database" in "".join(tab.seen("opening")))
        desk.say("starting the language model")
        await tab.until(lambda: "starting the language model" in "".join(tab.seen("opening")))
        desk.open(brain(notes=("There is no language model.",)))
        await tab.until(lambda: tab.seen("setup-note") == ["There is no language model."])
        assert not tab.seen("opening")


async def test_a_kept_answer_and_its_notes_are_shown() -> None:
    """The foot says that an answer was kept, and what the bot says about itself."""
    async with asking(Script(LINES)) as (tab, _):
        await tab.ask("When are refunds paid?")
        await tab.ask("When are refunds paid?")
        assert "kept from the last time it was asked" in tab.seen("facts")[-1]
    async with asking(Script({}, down="it does not answer")) as (tab, _):
        assert await tab.ask("When are refunds paid?") == "Quoted from the documents"
        assert any("it does not answer" in note for note in tab.seen("note"))
        assert Answer(text="", outcome=Outcome.FAILED).notes == ()
