"""The product as the adapter sees it, and how this installation wants it shown."""

from dataclasses import dataclass
from typing import Protocol

import aiohttp

from adapters.discord.sync import Marks
from core.bot import Bot
from core.chat import Exchanges, Lessons
from core.limits import Limiter
from core.orders import Orders
from core.ports import Librarian
from core.rooms import Rooms


class Guilds(Marks, Protocol):
    """Keeps what belongs to a server as a whole."""

    async def editors(self, workspace: str) -> frozenset[str]:
        """Return the roles whose members may change documents. KnowledgeDown."""
        ...

    async def appoint(self, workspace: str, role: str, *, by: str, allowed: bool) -> frozenset[str]:
        """Add or take away such a role, and return all. KnowledgeDown."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """`admins`: ids with origin. `human`: whom to call. `plain`: no cards. `trusted`: further hosts of files.

    `content`: Discord lets the bot read messages that do not name it.
    """

    bot: Bot
    librarian: Librarian
    orders: Orders
    rooms: Rooms
    exchanges: Exchanges
    lessons: Lessons
    guilds: Guilds
    limits: Limiter
    session: aiohttp.ClientSession
    admins: frozenset[str] = frozenset()
    human: str = ""
    plain: bool = False
    stream: bool = True
    content: bool = False
    trusted: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()
