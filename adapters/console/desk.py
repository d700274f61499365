"""What the page works on: the bot once it is open, and until then how far the opening has come."""

import asyncio
from collections import deque
from dataclasses import dataclass, field
from typing import Final, Protocol

from core.bot import Bot
from core.messages import Answer
from core.ports import Bars, Librarian
from core.rooms import Rooms

REMEMBERED: Final = 50  # exchanges shown again after a reload; the bot's own memory is apart from this


class Product(Protocol):
    """An open bot with its librarian and rooms; `notes` says what is missing or embedded."""

    @property
    def bot(self) -> Bot:
        """What answers."""
        ...

    @property
    def librarian(self) -> Librarian:
        """What keeps the documents."""
        ...

    @property
    def rooms(self) -> Rooms:
        """What keeps the channels' settings."""
        ...

    @property
    def bars(self) -> Bars:
        """What knows how sure the bot must be, and what that was measured to do."""
        ...

    @property
    def notes(self) -> tuple[str, ...]:
        """One sentence each."""
        ...


@dataclass(slots=True, kw_only=True)
class Desk:
    """One console: its workspace, what it offers to ask, and the bot once it is open."""

    workspace: str
    examples: tuple[str, ...] = ()
    product: Product | None = None
    said: list[str] = field(default_factory=list)  # while opening, a sentence for each step
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    def say(self, sentence: str) -> None:
        """Note a step of the opening."""
        self.said.append(sentence)
        self._tell()

    def open(self, product: Product) -> None:
        """Hand the page the bot."""
        self.product = product
        self._tell()

    async def news(self) -> None:
        """Wait for the next step."""
        await self._news.wait()

    def _tell(self) -> None:
        self._news.set()
        self._news = asyncio.Event()


@dataclass(slots=True, kw_only=True)
class Talk:
    """The conversation of one browser tab: its id for the bot, and what was said, to show it again after a reload."""

    id: str
    tab: str
    exchanges: deque[tuple[str, Answer]] = field(default_factory=lambda: deque(maxlen=REMEMBERED))
