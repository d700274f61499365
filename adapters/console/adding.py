"""Adding a document: by address, by file or as pasted text, with its progress and how it ended."""

import logging
from collections.abc import Awaitable, Callable
from typing import Final

from nicegui import background_tasks, ui
from nicegui.events import UploadEventArguments

from adapters.console.controls import Tag, button, enable, field
from adapters.console.desk import Desk, Product
from adapters.console.text import to_link
from core.documents import Learned, Place, Source, State
from core.errors import BotError

LARGEST: Final = 20 * 1024 * 1024  # bytes of a file, as for a fetched page
TEXT: Final = 100_000  # characters of a pasted text; each keystroke carries it, and a file can hold more
TOO_LARGE: Final = "That file is larger than 20 MB. Split it, or save it without its pictures, and add it again."
_DROP = """<div class="drop">
  <span>Drop a file here, or</span>
  <button type="button" class="button" @click="props.pickFiles">Choose a file</button>
  <span class="unseen" aria-hidden="true"><q-uploader-add-trigger></q-uploader-add-trigger></span>
  <span class="small fine">Markdown, text, HTML, PDF or Word, up to 20 MB</span>
</div>"""
_log = logging.getLogger(__name__)


class Adding:
    """The three ways to add, one shown at a time; `done` is awaited after each end."""

    def __init__(self, desk: Desk, product: Product, done: Callable[[], Awaitable[None]]) -> None:
        self._place, self._bot, self._done = Place(workspace=desk.workspace), product.bot, done
        self._ways: dict[str, tuple[Tag, Tag]] = {}
        with Tag("div", classes="adding"):
            with Tag("div", classes="ways", role="group", aria_label="Add a document by"):
                chosen = {name: self._way(name) for name in ("Address", "File", "Text")}
            for name, build in (("Address", self._by_address), ("File", self._by_file), ("Text", self._by_text)):
                with Tag("div", classes="way") as shown:
                    build()
                self._ways[name] = (chosen[name], shown)
        self._progress = Tag("ul", classes="progress", aria_live="polite", mark="progress")
        self._choose("Address")

    def _way(self, name: str) -> Tag:
        return button(name, lambda: self._choose(name), mark=f"by-{name.lower()}", classes="tab")

    def _choose(self, name: str) -> None:
        for other, (chosen, shown) in self._ways.items():
            shown.visible = other == name
            chosen.props.update({"aria-pressed": "true" if other == name else "false"})

    def _by_address(self) -> None:
        address = field("Address of a page or file", mark="address", placeholder="https://", longest=2_000)

        def add() -> None:
            typed = (address.value or "").strip()
            url = typed if "://" in typed or not typed else f"https://{typed}"
            if not to_link(url):
                self._say(f"{typed[:200]!r} is no address of a page: it begins with https:// or http://.", bad=True)
                return
            address.value = ""
            self._learn(Source(name=url, url=url))

        address.on("keydown.enter", add, args=[])
        press = button("Add", add, mark="add-address", classes="primary")
        _needs(press, address)

    def _by_file(self) -> None:
        upload = ui.upload(auto_upload=True, multiple=True, max_file_size=LARGEST)
        upload.classes("upload").mark("upload").add_slot("header", _DROP)
        upload.on_upload(self._uploaded)
        upload.on_rejected(lambda: self._say(TOO_LARGE, bad=True))

    async def _uploaded(self, event: UploadEventArguments) -> None:
        file = event.file
        if file.size() > LARGEST:
            self._say(TOO_LARGE, bad=True)
            return
        content = await file.read()
        name = file.name or "a file without a name"
        self._learn(Source(name=name, content=content, media_type=file.content_type))
        if isinstance(event.sender, ui.upload):
            event.sender.reset()

    def _by_text(self) -> None:
        title = field("Title", mark="title", longest=200)
        text = field("Text", mark="text", rows=6, longest=TEXT)

        def add() -> None:
            name = (title.value or "").strip()
            content = (text.value or "").encode("utf-8", "replace")
            source = Source(name=f"text/{name}", content=content, media_type="text/markdown", title=name)
            self._learn(source)
            title.value = text.value = ""

        press = button("Add", add, mark="add-text", classes="primary")
        _needs(press, title, text)

    def _learn(self, source: Source) -> None:
        named = source.title or source.name
        with self._progress, Tag("li", classes="under-way", mark="under-way") as line:
            Tag("span", f"Reading {named} …", classes="cut")
            Tag("span", classes="bar", aria_hidden="true")
        background_tasks.create(self._learned(source, line), name="learn", context=self._progress)

    async def _learned(self, source: Source, line: Tag) -> None:
        try:
            learned = await self._bot.learn(source, self._place, by="console")
            sentence, bad = to_sentence(learned, source), learned.state is State.FAILED
        except BotError as error:
            sentence, bad = str(error), True
        except Exception:  # noqa: BLE001 - the last door: every attempt ends in a sentence
            _log.exception("learning_broke")
            sentence, bad = "Something went wrong on my side; it has been recorded. Please try again.", True
        if not line.is_deleted:
            line.delete()
            self._say(sentence, bad=bad)
            await self._done()

    def _say(self, sentence: str, *, bad: bool = False) -> None:
        with self._progress, Tag("li", classes="ended bad" if bad else "ended", mark="ended") as line:
            Tag("span", sentence)
            button("", line.delete, mark="dismiss", classes="quiet", symbol="close", label="Dismiss")
        for old in list(self._progress)[:-5]:
            if "ended" in old.classes:
                old.delete()


def _needs(press: Tag, *fields: ui.input) -> None:
    """Let a button be pressed only while all its fields hold something."""

    def look() -> None:
        enable(press, all((f.value or "").strip() for f in fields))

    for each in fields:
        each.on_value_change(look)
    look()


def to_sentence(learned: Learned, source: Source) -> str:
    """Return how the learning of a source ended, in one sentence."""
    named = learned.title or source.title or source.name
    passages = f"{learned.chunks:,} passage{'' if learned.chunks == 1 else 's'}"
    match learned.state:
        case State.FAILED:
            return f"“{named}” was not added: {learned.reason.rstrip('.') or 'no reason was given'}."
        case State.UNCHANGED:
            return f"“{named}” has not changed since it was last added: {passages}."
        case State.QUEUED | State.RUNNING:
            return f"“{named}” is waiting to be read; the list below shows when it is ready."
        case _:
            return f"Added “{named}”: {passages} in {learned.seconds:.1f} s."
