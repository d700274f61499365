"""Keeps Discord's copy of the commands equal to ours: one PUT by one process, and only when they changed."""

import asyncio
import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final, Protocol

import discord
from discord import app_commands

from adapters.discord.errors import translated
from core.chat import Turn

TURN: Final = 30.0  # seconds in which a process sends the commands, Discord's waits and retries included
AGAIN: Final = 0.5  # seconds between two looks while another process is at it


class Marks(Protocol):
    """Remembers what was sent last."""

    async def commands(self, app: str) -> str:
        """Return the hash of the commands that were sent; empty when none were. KnowledgeDown."""
        ...

    async def begin(self, app: str, mark: str, *, force: bool, seconds: float) -> Turn:
        """Take the turn to send them, for so many seconds. KnowledgeDown."""
        ...

    async def sent(self, app: str, mark: str) -> None:
        """Remember it and end the turn; an empty mark: they could not be sent. KnowledgeDown."""
        ...


async def to_mark(tree: app_commands.CommandTree[Any]) -> str:
    """Return a hash of all that Discord would be told."""
    commands = [command for kind in discord.AppCommandType for command in tree.get_commands(type=kind)]
    translator = tree.translator
    told = [await c.get_translated_payload(tree, translator) if translator else c.to_dict(tree) for c in commands]
    text = json.dumps(sorted(told, key=lambda c: (c.get("type", 1), c["name"])), sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


async def differing(tree: app_commands.CommandTree[Any]) -> list[str]:
    """Return the names of commands that are not at Discord as they are here. DiscordDown, DiscordRefused."""
    with translated():
        there = {_shape(command.to_dict()) for command in await tree.fetch_commands()}
    ours = {_shape(c.to_dict(tree)) for kind in discord.AppCommandType for c in tree.get_commands(type=kind)}
    return sorted({shape[1] for shape in ours ^ there})


def _shape(told: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return what makes a command, or an option of one, the same for its users."""
    choices = tuple((str(choice["name"]), choice["value"]) for choice in told.get("choices") or ())
    inner = tuple(_shape(option) for option in told.get("options") or ())
    said = str(told.get("description") or "")
    return int(told.get("type", 1)), str(told["name"]), said, bool(told.get("required")), choices, inner


async def sync(
    tree: app_commands.CommandTree[Any], marks: Marks, app: str, *, guild: str = "", force: bool = False
) -> bool:
    """Send the commands if they changed since; whether they were sent. DiscordDown, DiscordRefused, KnowledgeDown.

    `guild` sends them to one server, where they appear at once beside the global ones: for trying out.
    """
    key, mark = (f"{app}/{guild}" if guild else app), await to_mark(tree)
    while (turn := await marks.begin(key, mark, force=force, seconds=TURN)) is not Turn.OURS:
        if turn is Turn.DONE:
            return False
        await asyncio.sleep(AGAIN)  # another process sends them now, or its turn runs out
    where = discord.Object(int(guild)) if guild else None
    if where:
        tree.copy_global_to(guild=where)
    sent = ""
    try:
        with translated():
            await tree.sync(guild=where)
        sent = mark
    finally:
        await marks.sent(key, sent)
    return True
