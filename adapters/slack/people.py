"""What is known of a team's people and channels: asked from Slack, kept for five minutes, dropped by events."""

import time
from collections.abc import Awaitable, Callable, Collection
from dataclasses import replace
from typing import Any, Final, TypeVar

from adapters.slack.audience import Kind, Person, Place, to_audience
from adapters.slack.errors import NoScope, SlackRefused
from adapters.slack.heard import Heard
from adapters.slack.outbox import Outbox
from core.audience import Audience
from core.phrases import ENGLISH

FRESH: Final = 300.0  # seconds; events make most changes known at once
MOST: Final = 2_000  # facts kept

T = TypeVar("T")


async def audience_of(people: "People", heard: Heard, tongue: str, *, aloud: bool = False) -> Audience:
    """Return who will see the reply; `aloud`: everyone, however it was asked. RefusedError for outsiders."""
    who = await people.person(heard.user, heard.user_team)
    place = await people.place(heard)
    alone = heard.private and not aloud
    if alone and not who.external:
        who = replace(who, channels=await people.channels_of(heard.user))
    return to_audience(place, who, alone=alone, tongue=tongue)


class People:
    """One team's directory."""

    def __init__(
        self, outbox: Outbox, team: str, *, org: str = "", clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._outbox, self._team, self._org, self._clock = outbox, team, org, clock
        self._kept: dict[str, tuple[float, Any]] = {}

    def forget(self, *keys: str) -> None:
        """Drop what an event made stale; without keys, everything."""
        for key in [k for k in self._kept if not keys or k.rpartition("/")[2] in keys]:
            del self._kept[key]

    async def person(self, user: str, team: str = "") -> Person:
        """Return who someone is. SlackDown, NoScope.

        In an organisation that installed the app for its teams, a colleague of another team is here what a guest is:
        no member of this workspace.
        """
        if team and team != self._team and not self._org:
            return Person(external=True)
        about = await self.profile(user)
        if about is None:
            return Person(external=True)
        whole = about.get("enterprise_user") or {}
        member = about.get("team_id", self._team) in ("", None, self._team) or self._team in (whole.get("teams") or ())
        colleague = bool(self._org) and whole.get("enterprise_id") == self._org
        external = bool(about.get("is_stranger")) or not (member or colleague)
        guest = bool(about.get("is_restricted") or about.get("is_ultra_restricted")) or not member
        return Person(guest=guest, external=external, bot=bool(about.get("is_bot") or about.get("deleted")))

    async def profile(self, user: str) -> dict[str, Any] | None:
        """Return users.info, None for someone Slack does not know."""

        async def ask() -> dict[str, Any] | None:
            try:
                found = await self._outbox.call("users.info", user=user, include_locale=True)
            except NoScope:
                raise
            except SlackRefused:
                return None
            return dict(found.get("user") or {})

        return await self._fresh(f"user/{user}", ask)

    async def tongue(self, user: str) -> str:
        """Return the language someone set Slack to, English where that cannot be known. SlackDown."""
        about = await self.profile(user)
        return str((about or {}).get("locale") or ENGLISH).partition("-")[0]

    async def channels_of(self, user: str) -> frozenset[str]:
        """Return the channels where both the person and the bot are."""

        async def ask() -> frozenset[str]:
            kinds = "public_channel,private_channel"
            about = {"user": user, "types": kinds, "exclude_archived": True, "team_id": self._team}
            rows = self._outbox.pages("users.conversations", "channels", **about)
            return frozenset([str(row["id"]) async for row in rows])

        return await self._fresh(f"channels/{user}", ask)

    async def place(self, heard: Heard) -> Place:
        """Return what a channel is and who reads there."""
        if heard.channel.startswith("D"):
            return Place(channel=heard.channel, kind=Kind.DIRECT, shared=heard.shared)

        async def ask() -> Place:
            about = (await self._outbox.call("conversations.info", channel=heard.channel)).get("channel") or {}
            private = bool(about.get("is_private") or about.get("is_group"))
            kind = Kind.GROUP if about.get("is_mpim") else Kind.PRIVATE if private else Kind.PUBLIC
            shared = bool(about.get("is_ext_shared") or about.get("is_pending_ext_shared"))
            several = bool(about.get("is_org_shared"))  # members of other teams of the organisation read along
            guests = not shared and (several or await self._guests_in(heard.channel))
            name = str(about.get("name") or "")
            return Place(channel=heard.channel, kind=kind, shared=shared, guests=guests, name=name)

        known = await self._fresh(f"place/{heard.channel}", ask)
        return replace(known, shared=known.shared or heard.shared)

    async def group(self, group: str) -> Collection[str]:
        """Return the members of a user group; the call is among Slack's rarest, hence the keeping."""

        async def ask() -> frozenset[str]:
            found = await self._outbox.call("usergroups.users.list", usergroup=group, team_id=self._team)
            return frozenset(map(str, found.get("users") or ()))

        return await self._fresh(f"group/{group}", ask)

    async def _guests_in(self, channel: str) -> bool:
        guests = await self._fresh("guests", self._guests)
        if not guests:
            return False
        async for member in self._outbox.pages("conversations.members", "members", channel=channel):
            if member in guests:
                return True
        return False

    async def _guests(self) -> frozenset[str]:
        rows = self._outbox.pages("users.list", "members", team_id=self._team)
        return frozenset([str(row["id"]) async for row in rows if row.get("is_restricted") and not row.get("deleted")])

    async def _fresh(self, key: str, ask: Callable[[], Awaitable[T]]) -> T:
        kept = self._kept.get(key)
        if kept and self._clock() - kept[0] < FRESH:
            value: T = kept[1]
            return value
        value = await ask()
        if len(self._kept) >= MOST:
            self._kept.clear()
        self._kept[key] = (self._clock(), value)
        return value
