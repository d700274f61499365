"""What the parts of the adapter share: one team's way out and people, and the product behind the desk."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol

import aiohttp

from adapters.slack.events import Me
from adapters.slack.outbox import Outbox
from adapters.slack.people import People
from core.bot import Bot
from core.bulletin import Bulletin
from core.chat import Exchanges, Lessons
from core.limits import Limiter
from core.orders import Orders
from core.ports import Librarian
from core.rooms import Rooms


@dataclass(frozen=True, slots=True, kw_only=True)
class Team:
    """One Slack team that installed the app."""

    me: Me
    token: str = field(repr=False)
    outbox: Outbox
    people: People


class Teams(Protocol):
    """The teams that installed the app, by themselves or by their organisation."""

    def __call__(self, name: str, org: str = "") -> Awaitable[Team]:
        """Return a team; `org` where an organisation's install let it in. RefusedError when it is not installed."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """The product, and how this installation wants it shown.

    `admins`: ids with origin. `human`: the group or person to call, empty: nobody. `stream`: in direct conversations.
    `trusted`: hosts beside Slack's own that may get the token, for a fake Slack. `leave` is told of a team whose token
    or app was taken back, by which event, and in which team that was said.
    """

    bot: Bot
    librarian: Librarian
    orders: Orders
    rooms: Rooms
    exchanges: Exchanges
    lessons: Lessons
    limits: Limiter
    bulletin: Bulletin
    session: aiohttp.ClientSession
    admins: frozenset[str] = frozenset()
    human: str = ""
    stream: bool = True
    trusted: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()
    leave: Callable[[str, str, str], Awaitable[None]] | None = None
