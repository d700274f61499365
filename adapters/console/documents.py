"""The documents: what the bot answers from, where each stands, and the way out for one."""

from datetime import UTC, datetime

from nicegui import ui

from adapters.console.adding import Adding
from adapters.console.controls import Tag, button, outward
from adapters.console.desk import Desk, Product
from adapters.console.text import host
from core.documents import Document, State
from core.errors import BotError, UnknownError

REFRESH = 4.0  # seconds; other places add documents too, and a queued one should be seen to finish
_STATES = {
    State.QUEUED: "Waiting",
    State.RUNNING: "Being read",
    State.INDEXED: "Ready",
    State.UNCHANGED: "Ready",
    State.FAILED: "Failed",
    State.REMOVED: "Removed",
}


class Documents:
    """The view of a workspace's documents."""

    def __init__(self, desk: Desk, product: Product) -> None:
        self._desk, self._librarian = desk, product.librarian
        self._shown: list[Document] | None = None
        self.root = Tag("section", classes="view documents", aria_label="Documents")
        with self.root, Tag("div", classes="sheet"):
            Tag("h2", "Documents")
            Adding(desk, product, self.refresh)
            self._said = Tag("p", classes="small hint", role="status", mark="documents-said")
            self._list = Tag("ul", classes="list", mark="documents")
        self.root.visible = False
        ui.timer(REFRESH, self._tick)

    async def _tick(self) -> None:
        if self.root.visible:
            await self.refresh()

    async def refresh(self) -> None:
        """Read the documents again; what is on the page changes only where they did."""
        try:
            documents = await self._librarian.documents(self._desk.workspace)
        except UnknownError:
            documents = []
        except BotError as error:
            self._say(str(error))
            return
        if documents == self._shown or self._list.is_deleted:
            return
        self._shown = documents
        self._list.clear()
        with self._list:
            if not documents:
                Tag("li", "Nothing yet. Add a first document above, and ask about it.", classes="empty")
            for document in documents:
                self._row(document)

    def _row(self, document: Document) -> None:
        failed = document.state is State.FAILED
        with Tag("li", classes="doc", mark="document"):
            with Tag("div", classes="doc-text"):
                Tag("h3", document.title or document.source, dir="auto")
                with Tag("p", classes="small fine meta"):
                    Tag("span", _STATES[document.state], classes="state failed" if failed else "state")
                    Tag("span", counted(document.chunks, "passage"))
                    Tag("span", f"changed {ago(document.changed, datetime.now(UTC))}")
                    if outward(host(document.url), document.url) is None:
                        Tag("span", document.source, classes="cut")
                if document.reason:
                    reason = f"{document.reason[0].upper()}{document.reason[1:].rstrip('.')}."
                    Tag("p", reason, classes="small reason", mark="reason")
            label = f"Remove {document.title or document.source}"
            button("Remove", lambda: self._confirm(document), mark="remove", classes="quiet", label=label)

    async def _confirm(self, document: Document) -> None:
        with ui.dialog() as dialog, Tag("div", classes="dialog"):
            dialog.props.update({"aria-label": "Remove a document"})
            Tag("h2", f"Remove “{document.title or document.source}”?")
            Tag("p", "No answer will rest on it any more. You can add it again at any time.")
            with Tag("div", classes="actions"):
                button("Keep it", lambda: dialog.submit(False), mark="keep")
                button("Remove it", lambda: dialog.submit(True), mark="remove-it", classes="primary")
        sure = await dialog
        if dialog.is_deleted:  # the page was left
            return
        dialog.delete()
        if sure:
            await self._remove(document)

    async def _remove(self, document: Document) -> None:
        try:
            removed = await self._librarian.remove(self._desk.workspace, document.id, by="console")
            self._say(f"Removed “{removed.title or removed.source}”.")
        except BotError as error:
            self._say(str(error))
        await self.refresh()

    def _say(self, sentence: str) -> None:
        if not self._said.is_deleted:
            self._said.set_text(sentence)


def counted(n: int, noun: str) -> str:
    """Return a number with its noun: `1 passage`, `2,000 passages`."""
    return f"{n:,} {noun}{'' if n == 1 else 's'}"


def ago(when: datetime, now: datetime) -> str:
    """Return how long ago something was, in the largest unit that is at least one; a date after a month."""
    seconds = max(0, int((now - when).total_seconds()))
    for size, noun in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds >= size:
            n = seconds // size
            return f"on {when:%d %B %Y}" if noun == "day" and n > 30 else f"{counted(n, noun)} ago"
    return "just now"
