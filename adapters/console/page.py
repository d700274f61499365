"""The page: its frame, its views, and what it says while the bot is not open yet."""

import asyncio
from functools import partial

from nicegui import Client, app, ui

from adapters.console.chat import Chat, to_conversation
from adapters.console.controls import Tag, button
from adapters.console.desk import Desk, Product, Talk
from adapters.console.documents import Documents
from adapters.console.rooms import RoomsView
from adapters.console.theme import HEAD


class Page:
    """What one browser tab shows of a desk."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        ui.add_head_html(HEAD)
        skip = Tag("a", "Skip to the conversation", classes="skip")
        with Tag("header", classes="top"):
            with Tag("div", classes="brand"):
                Tag("h1", "Vocero")
                Tag("span", desk.workspace, classes="workspace cut", title=f"Workspace {desk.workspace}")
            self._nav = Tag("nav", aria_label="Views")
        self._main = Tag("main", tabindex="-1")
        skip.props.update({"href": f"#{self._main.html_id}"})

    async def fill(self) -> None:
        """Fill the page: with the steps of the opening first, then with the bot."""
        client = ui.context.client
        with self._main:
            opening = Tag("div", classes="opening", mark="opening", role="status")
        await client.connected(timeout=30)
        while self._desk.product is None and not client.is_deleted:
            opening.clear()
            with opening:
                Tag("h2", "Starting …")
                Tag("p", "This page will be ready in a moment.", classes="fine")
                for sentence in self._desk.said[-6:]:
                    Tag("p", sentence, classes="small fine")
            await self._desk.news()
        if self._desk.product is not None and not client.is_deleted:
            opening.delete()
            self._open(self._desk.product)

    def _open(self, product: Product) -> None:
        with self._main:
            chat = Chat(self._desk, product, to_talk())
            documents = Documents(self._desk, product)
            rooms = RoomsView(self._desk, product)
        views = {"Ask": chat.root, "Documents": documents.root, "Settings": rooms.root}
        fresh = {"Documents": documents.refresh, "Settings": rooms.refresh}
        tabs: dict[str, Tag] = {}

        async def show(name: str) -> None:
            for other, view in views.items():
                view.visible = other == name
                tabs[other].props.update({"aria-pressed": "true" if other == name else "false"})
            if name in fresh:
                await fresh[name]()

        async def anew() -> None:
            await show("Ask")
            chat.anew()

        with self._nav:
            for name in views:
                tabs[name] = button(name, partial(show, name), mark=f"view-{name.lower()}", classes="tab")
                tabs[name].props.update({"aria-pressed": "true" if name == "Ask" else "false"})
            button("New", anew, mark="anew", classes="tab anew", symbol="plus", label="New conversation")


async def close_pages() -> None:
    """Close every open page, so that what they wait for ends; NiceGUI alone may wait two seconds for it to."""
    for client in list(Client.instances.values()):
        client.delete()
    await asyncio.sleep(0)


def to_talk() -> Talk:
    """Return the conversation of this tab, a new one where it has none; a duplicated tab begins its own."""
    tab = app.storage.tab
    known, name = tab.get("talk"), ui.context.client.tab_id or ""
    if not isinstance(known, Talk) or known.tab != name:
        tab["talk"] = known = Talk(id=to_conversation(), tab=name)
    return known
