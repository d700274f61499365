"""What discord.py knows about a place and a person, as the adapter's own values."""

import time
from collections.abc import Iterable
from typing import Any, Final

import discord

from adapters.discord.audience import Kind, Person, Place

OPEN: Final = {"PREVIEW_ENABLED", "DISCOVERABLE"}  # servers that people can read before they join
REMEMBERED: Final = 300.0  # seconds that a look at someone's servers holds


def to_place(channel: Any, guild: discord.Guild | None) -> Place:
    """Return where something was said."""
    if guild is None:
        return Place(guild="", channel=str(channel.id), kind=Kind.DIRECT)
    parent = channel.parent if isinstance(channel, discord.Thread) else None
    seen = parent or guild.get_channel(channel.id)
    everyone = seen.permissions_for(guild.default_role).view_channel if seen is not None else False
    return Place(
        guild=str(guild.id),
        channel=str(channel.id),
        kind=_kind(channel, parent),
        parent=str(channel.parent_id) if isinstance(channel, discord.Thread) else "",
        strangers=everyone and bool(OPEN & set(guild.features)),
        open=everyone,
    )


def to_label(channel: Any) -> str:
    """Return what people call the room: the channel, or that of a thread; empty for a direct conversation."""
    room = channel.parent if isinstance(channel, discord.Thread) else channel
    name = getattr(room, "name", None)
    return f"#{name}" if name else ""


def _kind(channel: Any, parent: Any) -> Kind:
    if not isinstance(channel, discord.Thread):
        return Kind.TEXT
    if isinstance(parent, discord.ForumChannel):
        return Kind.POST
    return Kind.PRIVATE_THREAD if channel.is_private() else Kind.THREAD


def to_person(user: discord.abc.User, *, alone: bool = False, manages: bool | None = None) -> Person:
    """Return who acts; `alone` also says which channels they can see. A user of no server manages nothing."""
    if not isinstance(user, discord.Member):
        return Person(user=str(user.id))
    return Person(
        user=str(user.id),
        manages=user.guild_permissions.manage_guild if manages is None else manages,
        roles=frozenset(str(role.id) for role in user.roles),
        channels=frozenset(_seen(user)) if alone else frozenset(),
    )


def _seen(member: discord.Member) -> Iterable[str]:
    return (str(c.id) for c in member.guild.channels if c.permissions_for(member).view_channel)


def to_files(attachments: Iterable[discord.Attachment]) -> tuple[dict[str, Any], ...]:
    """Return attachments as JSON."""
    return tuple({"name": a.filename, "size": a.size, "url": a.url, "type": a.content_type or ""} for a in attachments)


class Servers:
    """Which of the bot's servers someone is a member of; asked from Discord, since members are not cached."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[float, list[tuple[int, int]]]] = {}

    async def of(self, user: discord.abc.User, guilds: Iterable[discord.Guild]) -> list[discord.Member]:
        """Return the person as a member of each server they share with the bot; freshly fetched."""
        found = []
        at, known = self._known.get(user.id, (0.0, []))
        fresh = time.monotonic() - at < REMEMBERED
        for guild in guilds:
            if fresh and (guild.id, user.id) not in known:
                continue
            try:
                found.append(await guild.fetch_member(user.id))
            except discord.NotFound:
                continue
        if not fresh:
            self._known[user.id] = (time.monotonic(), [(member.guild.id, user.id) for member in found])
        return found
