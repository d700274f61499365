"""The connection to Discord: as few intents and as little memory as will do, and one door for errors."""

from collections.abc import Awaitable, Callable
from typing import Any, Final

import aiohttp
import discord
import structlog
from discord import app_commands

from adapters.discord.audience import to_audience
from adapters.discord.buttons import pressed
from adapters.discord.commands import add_commands
from adapters.discord.intake import Intake, Interaction
from adapters.discord.menus import add_menus
from adapters.discord.question import to_language
from adapters.discord.texts import Texts
from core.documents import Document, State
from core.errors import BotError
from core.phrases import phrase
from core.ports import Librarian
from core.rooms import KEYS, choices
from core.words import language

PATIENCE: Final = 30.0  # seconds that Discord may ask us to wait; beyond, the work is tried again later
SETTLED: Final = 0.5  # seconds without another server after which all are known
OFFERED: Final = 25
STALE: Final = (  # Discord's copy of the commands is not ours
    app_commands.CommandNotFound,
    app_commands.CommandSignatureMismatch,
    app_commands.TransformerError,
)
log = structlog.get_logger()

Deleted = Callable[[str, str, str], Awaitable[None]]


class Tree(app_commands.CommandTree[Any]):
    """The commands, with the one place where what went wrong is said."""

    async def on_error(self, interaction: Interaction, error: app_commands.AppCommandError) -> None:
        tongue = to_language(interaction.locale.value)
        stale = isinstance(error, STALE)
        cause = error.original if isinstance(error, app_commands.CommandInvokeError) else None
        if stale:
            said = phrase("stale", tongue)
        elif isinstance(cause, BotError):
            said = str(cause)
        elif type(error) is app_commands.AppCommandError:
            said = str(error)  # our own: what was given cannot be used
        else:
            log.error("command_broke", error=type(error).__name__, exc_info=error)
            said = phrase("broken", tongue)
        try:
            send = interaction.followup.send if interaction.response.is_done() else interaction.response.send_message
            await send(said, ephemeral=True)
        except discord.HTTPException as unsaid:
            log.warning("refusal_unsaid", code=unsaid.code)


def to_intents(*, content: bool) -> discord.Intents:
    """Return what the bot must hear of: servers, and messages; their text only where it is mentioned, unless asked."""
    intents = discord.Intents.none()
    intents.guilds = intents.guild_messages = intents.dm_messages = True
    intents.message_content = content
    return intents


def to_client(
    intake: Intake,
    librarian: Librarian,
    deleted: Deleted,
    *,
    content: bool = False,
    sharded: bool = False,
    calls: aiohttp.TraceConfig | None = None,
) -> "Ears":
    """Return a new client with all commands; it is not connected. `calls` watches what it asks of Discord."""
    kind: type[Ears] = _Sharded if sharded else _Single
    client = kind(
        intents=to_intents(content=content),
        allowed_mentions=discord.AllowedMentions.none(),
        max_messages=None,
        member_cache_flags=discord.MemberCacheFlags.none(),
        chunk_guilds_at_startup=False,
        max_ratelimit_timeout=PATIENCE,
        guild_ready_timeout=SETTLED,
        http_trace=calls or aiohttp.TraceConfig(),
    )
    client.join(intake, librarian, deleted)
    return client


def to_tree(client: discord.Client, intake: Intake, librarian: Librarian) -> "Tree":
    """Return the commands of a client, translated where they are asked for."""
    tree = Tree(
        client,
        allowed_installs=app_commands.AppInstallationType(guild=True),
        allowed_contexts=app_commands.AppCommandContext(guild=True, dm_channel=True),
    )

    async def suggest(interaction: Interaction, current: str) -> list[app_commands.Choice[str]]:
        return await to_choices(interaction, current, intake, librarian)

    async def values(interaction: Interaction, current: str) -> list[app_commands.Choice[str]]:
        return await to_values(interaction, current, intake, librarian)

    add_commands(tree, intake, suggest, values)
    add_menus(tree, intake)
    return tree


async def to_choices(
    interaction: Interaction, current: str, intake: Intake, librarian: Librarian
) -> list[app_commands.Choice[str]]:
    """Return documents that the asker may see and whose title or address holds what was typed."""
    found, said = await _documents(interaction, intake, librarian), current.casefold()
    fitting = [d for d in found if said in f"{d.title} {d.source} {d.id}".casefold()]
    return [app_commands.Choice(name=(d.title or d.source)[:100] or d.id, value=d.id) for d in fitting[:OFFERED]]


async def to_values(
    interaction: Interaction, current: str, intake: Intake, librarian: Librarian
) -> list[app_commands.Choice[str]]:
    """Return the values of the setting that was chosen; for collections those that the asker may see."""
    key = str(getattr(interaction.namespace, "key", "") or "")
    if key not in KEYS:
        return []
    if key == "collections":
        given = ["auto", *sorted({d.collection for d in await _documents(interaction, intake, librarian)})]
    else:
        given = list(choices(key))
    before, _, typed = current.rpartition(",") if key == "collections" else ("", "", current)
    begun = f"{before}, " if before else ""
    fitting = [f"{begun}{name}" for name in given if typed.strip().casefold() in name.casefold()]
    return [app_commands.Choice(name=value, value=value) for value in fitting if len(value) <= 100][:OFFERED]


async def _documents(interaction: Interaction, intake: Intake, librarian: Librarian) -> list[Document]:
    try:
        heard = await intake.heard(interaction, private=True)
        found = await librarian.documents(heard.workspace, to_audience(heard.place, heard.person, alone=True))
    except BotError:
        return []
    return [d for d in found if d.state is not State.REMOVED]


class Ears(discord.Client):
    """What both kinds of client hear."""

    _intake: Intake
    _deleted: Deleted
    tree: Tree

    def join(self, intake: Intake, librarian: Librarian, deleted: Deleted) -> None:
        """Take the parts that events go to."""
        self._intake, self._deleted = intake, deleted
        self.tree = to_tree(self, intake, librarian)

    async def setup_hook(self) -> None:
        """Give the commands their translations."""
        await self.tree.set_translator(Texts())

    async def on_interaction(self, interaction: Interaction) -> None:
        """Buttons and forms; commands come through the tree."""
        if interaction.type in (discord.InteractionType.component, discord.InteractionType.modal_submit):
            await pressed(interaction, self._intake)

    async def on_message(self, message: discord.Message) -> None:
        """Mentions, direct messages and follow-ups."""
        try:
            await self._intake.message(self, message)
        except (BotError, discord.HTTPException) as error:
            log.error("message_not_accepted", error=type(error).__name__)
            await _sorry(message)

    async def on_raw_message_delete(self, event: discord.RawMessageDeleteEvent) -> None:
        """A question that is taken back takes its answer along."""
        if event.guild_id is not None:
            try:
                await self._deleted(str(event.guild_id), str(event.channel_id), str(event.message_id))
            except BotError as error:
                log.warning("deletion_not_followed", error=type(error).__name__)

    async def on_error(self, event_method: str, /, *args: Any, **kwargs: Any) -> None:  # noqa: ARG002
        """Log what broke, without its arguments: they hold what people wrote."""
        log.exception("event_broke", event_name=event_method)


class _Single(Ears):
    """One connection."""


class _Sharded(Ears, discord.AutoShardedClient):
    """As many connections as Discord wants."""


async def _sorry(message: discord.Message) -> None:
    """Say that a message could not be taken: Discord delivers it only once."""
    try:
        await message.reply(phrase("down", language(message.content)), mention_author=False)
    except discord.HTTPException as error:
        log.warning("refusal_unsaid", code=error.code)
