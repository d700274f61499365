"""Setting Discord up and looking after it: the invitation, the commands, and the doctor's rows."""

import base64
import binascii
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Final

import discord

from adapters.discord.client import Ears, to_client
from adapters.discord.errors import translated
from adapters.discord.intake import Intake
from adapters.discord.permissions import missing, to_invite
from adapters.discord.supervisor import to_final
from adapters.discord.sync import differing, sync
from bots import clock
from bots.discord import point, to_token
from core.errors import SetupError, UnavailableError
from infra.settings import Settings

MESSAGE_CONTENT: Final = 1 << 18 | 1 << 19  # the application's flags: allowed, allowed for small bots
Say = Callable[[str], None]


def to_invite_url(settings: Settings) -> str:
    """Return the invitation of the token's application. SetupError when the token holds none."""
    begin = to_token(settings).partition(".")[0]
    try:
        app = base64.b64decode(begin + "=" * (-len(begin) % 4), validate=True).decode("ascii")
    except (binascii.Error, ValueError) as error:
        raise SetupError("DISCORD_BOT_TOKEN is not a bot token: copy it again; see docs/discord.md.") from error
    if not app.isdigit():
        raise SetupError("DISCORD_BOT_TOKEN is not a bot token: copy it again; see docs/discord.md.")
    return to_invite(int(app))


@asynccontextmanager
async def logged_in(settings: Settings) -> AsyncIterator[Ears]:
    """Yield a client that may ask the API but hears nothing. SetupError, DiscordDown."""
    point(settings)

    async def nobody(*_: Any) -> bool:
        return False

    intake = Intake(nobody, leave=_nowhere, closing=lambda: True)
    client = to_client(intake, _Nothing(), _nowhere, content=settings.discord_message_content)
    try:
        with translated():
            try:
                await client.login(to_token(settings))
            except discord.LoginFailure as error:
                raise SetupError(to_final(error)) from error
        yield client
    finally:
        await client.close()


async def _nowhere(*_: Any) -> None:
    """Nothing arrives at a client that only asks."""


class _Nothing:
    """A librarian that is never asked."""

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(name)


async def send_commands(settings: Settings, *, guild: str, force: bool, say: Say) -> bool:
    """Send the commands if they changed; whether they were sent."""
    from bots.wiring import open_database
    from infra.postgres.guilds import PostgresGuilds

    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(logged_in(settings))
        database = await stack.enter_async_context(open_database(settings, say=say))
        marks, app = PostgresGuilds(database), str(client.application_id)
        return await sync(client.tree, marks, app, guild=guild, force=force)


async def token_health(settings: Settings) -> str:
    """Return a sentence about the token. SetupError, UnavailableError."""
    async with logged_in(settings) as client:
        return f"the token is {client.user}'s"


async def intent_health(settings: Settings) -> str:
    """Return a sentence about the Message Content intent. SetupError, UnavailableError."""
    async with logged_in(settings) as client:
        with translated():
            about = await client.application_info()
        if not settings.discord_message_content:
            return "none that need a permission; threads go on by mention or reply"
        if not about.flags.value & MESSAGE_CONTENT:
            raise SetupError("Message Content is off: switch it on at discord.com/developers, Bot, Privileged Intents.")
        return "Message Content is on"


async def permission_health(settings: Settings) -> str:
    """Return a sentence about the bot's rights in its servers. SetupError, UnavailableError."""
    async with logged_in(settings) as client:
        with translated():
            guilds = await client.http.get_guilds(200, with_counts=False)
    if not guilds:
        raise UnavailableError(f"the bot is in no server yet: open {to_invite_url(settings)}")
    for guild in guilds:
        if lacking := missing(discord.Permissions(int(guild["permissions"]))):
            raise UnavailableError(f"in {guild['name']} the bot lacks: {', '.join(lacking)}")
    return f"all that is needed, in {len(guilds)} servers"


async def command_health(settings: Settings) -> str:
    """Return a sentence about Discord's copy of the commands. SetupError, UnavailableError."""
    async with logged_in(settings) as client:
        tree = client.tree
        stale, whole = await differing(tree), sum(len(tree.get_commands(type=kind)) for kind in discord.AppCommandType)
    if stale:
        raise UnavailableError(f"Discord has other commands than ours ({', '.join(stale)}): run vocero discord sync")
    return f"all {whole} commands are registered as they are here"


async def clock_health(settings: Settings, now: Callable[[], float] = time.time) -> str:
    """Return a sentence about this machine's clock. UnavailableError when it is off by more than half a minute."""
    why = "whether a confirmation comes too late is judged by it."
    return await clock.clock_health(f"{settings.discord_api_url.rstrip('/')}/gateway", "Discord", why, now)
