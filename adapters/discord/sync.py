"""Keeps Discord's copy of the commands equal to ours: one PUT, and only when they changed."""

import hashlib
import json
from typing import Any, Protocol

import discord
from discord import app_commands

from adapters.discord.errors import translated


class Marks(Protocol):
    """Remembers what was sent last."""

    async def commands(self, app: str) -> str:
        """Return the hash of the commands that were sent; empty when none were. KnowledgeDown."""
        ...

    async def sent(self, app: str, mark: str) -> None:
        """Remember it. KnowledgeDown."""
        ...


async def to_mark(tree: app_commands.CommandTree[Any]) -> str:
    """Return a hash of all that Discord would be told."""
    commands = [command for kind in discord.AppCommandType for command in tree.get_commands(type=kind)]
    translator = tree.translator
    told = [await c.get_translated_payload(tree, translator) if translator else c.to_dict(tree) for c in commands]
    text = json.dumps(sorted(told, key=lambda c: (c.get("type", 1), c["name"])), sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


async def sync(
    tree: app_commands.CommandTree[Any], marks: Marks, app: str, *, guild: str = "", force: bool = False
) -> bool:
    """Send the commands if they changed since; whether they were sent. DiscordDown, DiscordRefused, KnowledgeDown.

    `guild` sends them to one server, where they appear at once beside the global ones: for trying out.
    """
    key, mark = (f"{app}/{guild}" if guild else app), await to_mark(tree)
    if not force and await marks.commands(key) == mark:
        return False
    where = discord.Object(int(guild)) if guild else None
    if where:
        tree.copy_global_to(guild=where)
    with translated():
        await tree.sync(guild=where)
    await marks.sent(key, mark)
    return True
