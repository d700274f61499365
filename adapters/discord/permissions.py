"""Who may change what the bot knows, and what the bot itself must be allowed to do."""

from collections.abc import Collection
from typing import Final
from urllib.parse import urlencode

import discord

from adapters.discord.audience import Person
from adapters.discord.question import Heard

NEEDED: Final = discord.Permissions(
    view_channel=True,
    send_messages=True,
    send_messages_in_threads=True,
    create_public_threads=True,
    read_message_history=True,
    embed_links=True,
    attach_files=True,
    add_reactions=True,
)


def is_admin(heard: Heard, *, named: Collection[str], editors: Collection[str]) -> bool:
    """Whether this person may, at this moment: Manage Server, named in VOCERO_ADMINS, or an editor's role."""
    person, workspace = heard.person, heard.workspace
    ids = {f"{workspace}/{person.user}", *(f"{workspace}/role/{role}" for role in person.roles)}
    return person.manages or bool(ids & set(named)) or bool(person.roles & set(editors))


def is_manager(person: Person) -> bool:
    """Whether this person may say who the editors are."""
    return person.manages


def to_invite(app: int) -> str:
    """Return the address where a server's admin lets the bot in, with no more rights than it needs."""
    asked = {"client_id": app, "scope": "bot applications.commands", "permissions": NEEDED.value}
    return f"https://discord.com/oauth2/authorize?{urlencode(asked)}"


def missing(have: discord.Permissions) -> list[str]:
    """Return the names of the rights that the bot lacks."""
    return [] if have.administrator else [name for name, needed in NEEDED if needed and not getattr(have, name)]


def to_call(human: str, guild: str) -> str:
    """Return the mention of the role or person to call in this server; empty when none is named for it.

    `human`: `discord/GUILD/role/ID` or `discord/GUILD/ID`; without its beginning, of every server.
    """
    parts = human.split("/")
    if parts[0] == "discord":
        if len(parts) < 3 or parts[1] != guild:
            return ""
        parts = parts[2:]
    if not parts[-1].isdigit():
        return ""
    return f"<@&{parts[-1]}>" if parts[0] == "role" else f"<@{parts[-1]}>"
