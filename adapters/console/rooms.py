"""The settings of each room: a channel is chosen, each setting is said with what it does, a change is kept at once."""

from dataclasses import replace
from functools import partial
from typing import Final

from nicegui.events import GenericEventArguments

from adapters.console.controls import Tag
from adapters.console.desk import Desk, Product
from core.bar import Bar
from core.errors import BotError, UnknownError
from core.phrases import phrase
from core.rooms import KEYS, Room, Settings, choices, said

BY: Final = "console"
_VALUE: Final = "(e) => emit(e.target.value)"
_CHECKED: Final = "(e) => emit(e.target.checked)"
_NAMES: Final = {
    "mentions": "Only when mentioned",
    "threads": "In threads",
    "quiet": "Quiet",
    "language": "Language",
    "collections": "Collections",
    "voice": "Voice",
    "stream": "Show while writing",
}


class RoomsView:
    """The view of a workspace's rooms and their settings."""

    def __init__(self, desk: Desk, product: Product) -> None:
        self._workspace, self._rooms, self._librarian = desk.workspace, product.rooms, product.librarian
        self._bars = product.bars
        self._known: list[Room] = []
        self._chosen = ""
        self.root = Tag("section", classes="view documents", aria_label="Settings")
        with self.root, Tag("div", classes="sheet"):
            Tag("h2", "Settings of a channel")
            self._choice = Tag("div", classes="room-choice", mark="rooms")
            self._said = Tag("p", classes="small hint", role="status", mark="settings-said")
            self._form = Tag("div", classes="settings", mark="settings")
            Tag("h2", "How sure before it answers")
            self._sure = Tag("p", classes="small", mark="sure")
        self.root.visible = False

    async def refresh(self) -> None:
        """Read the rooms again and show the chosen one, the first where none was."""
        try:
            self._known = await self._rooms.known(self._workspace)
        except BotError as error:
            self._say(str(error))
            return
        bar = await self._bars.bar(self._workspace)
        if self._form.is_deleted:
            return
        self._sure.set_text(to_sure(bar, self._workspace))
        names = [room.name for room in self._known]
        self._chosen = self._chosen if self._chosen in names else next(iter(names), "")
        self._show_choice()
        await self._show_form()

    def _show_choice(self) -> None:
        self._choice.clear()
        with self._choice:
            if not self._known:
                Tag("p", "No channel yet: one appears here once the bot was asked something there.", classes="empty")
                return
            label = Tag("label", "Channel")
            with Tag("select", classes="select", mark="room") as select:
                for room in self._known:
                    option = Tag("option", to_title(room), value=room.name)
                    if room.name == self._chosen:
                        option.props["selected"] = True
            label.props.update({"for": select.html_id})
            select.on("change", self._choose, js_handler=_VALUE)

    async def _choose(self, event: GenericEventArguments) -> None:
        self._chosen = str(event.args)
        self._say("")
        await self._show_form()

    async def _show_form(self) -> None:
        room = next((room for room in self._known if room.name == self._chosen), None)
        collections = await self._collections()
        if self._form.is_deleted:
            return
        self._form.clear()
        if room is None:
            return
        with self._form:
            for key in KEYS:
                self._setting(key, room.settings, collections)
            if room.by:
                Tag("p", f"Last changed by {room.by}.", classes="small fine", mark="changed-by")

    def _setting(self, key: str, settings: Settings, collections: list[str]) -> None:
        with Tag("fieldset", classes="setting", mark=f"setting-{key}"):
            Tag("legend", _NAMES.get(key, key))
            Tag("p", _sentence(phrase(f"setting_{key}", "en")), classes="small fine")
            if key == "collections":
                self._boxes(settings.collections, collections)
                return
            now = said(getattr(settings, key))
            with Tag("select", classes="select", mark=f"set-{key}", aria_label=_NAMES.get(key, key)) as select:
                for choice in choices(key):
                    option = Tag("option", choice, value=choice)
                    if choice == now:
                        option.props["selected"] = True
            select.on("change", partial(self._changed, key), js_handler=_VALUE)

    def _boxes(self, wanted: tuple[str, ...], there: list[str]) -> None:
        if not there and not wanted:
            Tag("p", "There is no collection yet.", classes="small")
        for name in sorted({*there, *wanted}):
            with Tag("label", classes="box"):
                box = Tag("input", type="checkbox", mark=f"collection-{name}")
                if name in wanted:
                    box.props["checked"] = True
                Tag("span", name)
            box.on("change", partial(self._wanted, name), js_handler=_CHECKED)

    async def _changed(self, key: str, event: GenericEventArguments) -> None:
        await self._keep(key, str(event.args))

    async def _wanted(self, name: str, event: GenericEventArguments) -> None:
        room = next((room for room in self._known if room.name == self._chosen), None)
        before = set(room.settings.collections) if room else set()
        names = before | {name} if event.args else before - {name}
        await self._keep("collections", ",".join(sorted(names)) or "auto")

    async def _keep(self, key: str, value: str) -> None:
        """Change a setting; the form stands as it is, so that who goes by keyboard stays where they are."""
        try:
            settings = await self._rooms.change(self._workspace, self._chosen, key, value, by=BY)
        except BotError as error:
            self._say(str(error))
            await self._show_form()  # as it still is
            return
        self._known = [replace(r, settings=settings, by=BY) if r.name == self._chosen else r for r in self._known]
        self._say(f"Saved: {_NAMES.get(key, key).lower()} is {said(getattr(settings, key))}. It holds within seconds.")

    async def _collections(self) -> list[str]:
        try:
            documents = await self._librarian.documents(self._workspace)
        except UnknownError:
            return []
        except BotError as error:
            self._say(str(error))
            return []
        return sorted({document.collection for document in documents})

    def _say(self, sentence: str) -> None:
        if not self._said.is_deleted:
            self._said.set_text(sentence)


def to_title(room: Room) -> str:
    """Return what people call a room, its key where nobody told."""
    return f"{room.label} ({room.name})" if room.label else room.name


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def to_sure(bar: Bar, workspace: str) -> str:
    """Return what a workspace's bar was measured to do: how often it is silent or speaks where it should not."""
    if bar.answered is None or bar.refused is None:
        measure = f"vocero eval abstention DIR --apply --workspace {workspace}"
        return f"As sure as it was made to be: not measured on this workspace's own questions yet ({measure})."
    return (
        f"Measured on {bar.n} questions of this workspace: of those that the documents answer {1 - bar.answered:.0%}"
        f" are refused, of the others {1 - bar.refused:.0%} are answered."
    )
