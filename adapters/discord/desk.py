"""The product as the adapter sees it, and how this installation wants it shown."""

from dataclasses import dataclass
from typing import Protocol

import aiohttp

from adapters.discord.sync import Marks
from core.bot import Bot
from core.chat import Exchanges, Rooms
from core.orders import Orders
from core.ports import Librarian


class Guilds(Marks, Protocol):
    """Keeps what belongs to a server as a whole."""

    async def editors(self, workspace: str) -> frozenset[str]:
        """Return the roles whose members may change documents. KnowledgeDown."""
        ...

    async def appoint(self, workspace: str, role: str, *, by: str, allowed: bool) -> frozenset[str]:
        """Add or take away such a role, and return all. KnowledgeDown."""
        ...

    async def remark(self, workspace: str, exchange: str, *, by: str, why: str) -> None:
        """Keep why an answer did not help. KnowledgeDown."""
        ...

    async def forget(self, workspace: str, person: str) -> int:
        """Delete a person's remarks; return how many went. KnowledgeDown."""
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
    guilds: Guilds
    session: aiohttp.ClientSession
    admins: frozenset[str] = frozenset()
    human: str = ""
    plain: bool = False
    stream: bool = True
    content: bool = False
    trusted: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()
