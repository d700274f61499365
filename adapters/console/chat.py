"""The conversation: the field to ask in, the answers as they arrive, and a stop button while they do."""

import asyncio
import logging
import secrets
from contextlib import aclosing
from functools import partial

from nicegui import background_tasks, ui

from adapters.console.controls import Tag, button, enable, field
from adapters.console.desk import Desk, Product, Talk
from adapters.console.exchange import Exchange
from adapters.console.sources import Sources
from core.bot import LONGEST
from core.messages import Answer, Done, Outcome, Question
from core.phrases import phrase

_log = logging.getLogger(__name__)
_SEND = "(e) => { if (e.key === 'Enter' && !e.shiftKey && !e.isComposing) { e.preventDefault(); emit(); } }"


class Chat:
    """One tab's conversation on the page."""

    def __init__(self, desk: Desk, product: Product, talk: Talk) -> None:
        self._desk, self._product, self._talk = desk, product, talk
        self._answering: asyncio.Task[None] | None = None
        with Tag("section", classes="view chat", aria_label="Conversation") as self.root:
            with Tag("div", classes="talk-area"):
                with Tag("div", classes="reel"):
                    self._sheet = Tag("div", classes="sheet", mark="sheet")
                self._composer()
            self._sources = Sources()
        ui.context.client.on_delete(self._cancel)
        self._again()

    def _composer(self) -> None:
        with Tag("div", classes="composer-area"), Tag("div", classes="composer"):
            self._question = field(
                "Your question", mark="question", rows=1, placeholder="Ask a question", longest=LONGEST, hidden=True
            )
            self._question.on("keydown.enter", self.ask, js_handler=_SEND)
            self._question.on_value_change(self._enable)
            self._send = button("", self.ask, mark="send", classes="primary round", symbol="send", label="Send")
            self._stop = button(
                "Stop", self._cancel, mark="stop", classes="stop", symbol="square", label="Stop answering"
            )
        self._enable()

    def _again(self) -> None:
        """Show the conversation from its beginning: what was said before a reload, or the welcome."""
        self._sheet.clear()
        with self._sheet:
            if not self._talk.exchanges:
                self._welcome()
            for asked, answer in self._talk.exchanges:
                Exchange(asked, self._sources).finish(answer)

    def _welcome(self) -> None:
        with Tag("div", classes="welcome", mark="welcome"):
            Tag("h2", "What would you like to know?")
            Tag("p", "Answers come from your documents and show their sources, or say that nothing there answers it.")
            if self._desk.examples:
                with Tag("ul", classes="examples", aria_label="Example questions"):
                    for n, example in enumerate(self._desk.examples[:3]):
                        with Tag("li"):
                            button(example, partial(self.ask, example), mark=f"example-{n}", classes="example")
            for note in self._product.notes:
                Tag("p", note, classes="small fine", mark="setup-note")

    def _enable(self) -> None:
        busy = self._answering is not None
        self._send.visible, self._stop.visible = not busy, busy
        enable(self._send, bool((self._question.value or "").strip()))

    def ask(self, text: str = "") -> None:
        """Ask what stands in the field, or this text; nothing while an answer is on its way."""
        asked = (text or self._question.value or "").strip()
        if not asked or self._answering is not None:
            return
        if not text:
            self._question.value = ""
        if not self._talk.exchanges:
            self._sheet.clear()
        with self._sheet:
            exchange = Exchange(asked, self._sources)
        self._answering = background_tasks.create(self._answer(asked, exchange), name="answer", context=self._sheet)
        self._enable()
        self._follow(exchange)

    async def _answer(self, asked: str, exchange: Exchange) -> None:
        question = Question(
            text=asked,
            workspace=self._desk.workspace,
            user=f"console/{self._talk.tab}",
            conversation=self._talk.id,
        )
        try:
            async with aclosing(self._product.bot.answer(question)) as events:
                async for event in events:
                    exchange.show(event)
                    if isinstance(event, Done):
                        self._talk.exchanges.append((asked, event.answer))
                    self._follow(exchange)
        except asyncio.CancelledError:
            if not self._sheet.is_deleted:
                exchange.stopped()
        except Exception:  # noqa: BLE001 - the bot has its own last door; this is the page's
            _log.exception("showing_broke")
            exchange.finish(Answer(text=phrase("broken", "en"), outcome=Outcome.FAILED))
        finally:
            self._answering = None
            if not self._sheet.is_deleted:
                self._enable()

    def _follow(self, exchange: Exchange) -> None:
        exchange.root.run_method("scrollIntoView", {"block": "end"})

    def _cancel(self) -> None:
        if self._answering is not None:
            self._answering.cancel()

    def anew(self) -> None:
        """Begin a new conversation; the bot takes nothing of the old one into it."""
        self._cancel()
        self._talk.exchanges.clear()
        self._talk.id = to_conversation()
        self._sources.close()
        self._again()
        self._question.run_method("focus")


def to_conversation() -> str:
    """Return the id of a new conversation, with its origin."""
    return f"console/{secrets.token_hex(8)}"
