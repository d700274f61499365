"""`vocero run discord`: from the token's check to the last finished answer."""

import asyncio
import signal
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import aiohttp
import discord
import yarl
from discord.gateway import DiscordWebSocket
from discord.http import Route

from adapters.discord.client import Ears, to_client
from adapters.discord.desk import Desk
from adapters.discord.handler import DiscordHandler
from adapters.discord.intake import Intake
from adapters.discord.supervisor import Supervisor
from adapters.discord.sync import sync
from bots.oversight import Oversight, blind, overseen
from bots.watching import troubles
from core.errors import BotError, SetupError, UnavailableError
from core.gaps import Gaps
from core.inbox import BEAT, Arrival
from core.orders import Orders
from core.reception import Reception
from infra.logs import configure
from infra.settings import Settings

if TYPE_CHECKING:
    from bots.wiring import Vocero

OFFICIAL: Final = "discord.com"
PLATFORM: Final = "discord/"  # the beginning of its workspaces' names
LOOK: Final = 4  # beats between two looks for gaps that documents have filled
Say = Callable[[str], None]


def serve(settings: Settings) -> None:
    """Answer in Discord until Ctrl-C or SIGTERM; then finish or hand over what is in hand. SetupError."""
    to_token(settings)
    configure(settings.log_format)
    asyncio.run(_serve(settings))


def to_token(settings: Settings) -> str:
    """Return the token. SetupError when none was set."""
    if settings.discord_bot_token is None:
        raise SetupError("DISCORD_BOT_TOKEN is not set: docs/discord.md says where it comes from.")
    return settings.discord_bot_token.get_secret_value().strip()


def _say(sentence: str) -> None:
    print(sentence, flush=True)


async def _serve(settings: Settings, say: Say = _say) -> None:
    from bots.wiring import open_vocero

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    stopping = asyncio.ensure_future(stop.wait())
    async with AsyncExitStack() as stack:
        oversight = await stack.enter_async_context(overseen(settings, "discord", say=say))
        opened = open_vocero(settings, say=say, telemetry=oversight.telemetry)
        opening = asyncio.ensure_future(stack.enter_async_context(opened))
        await asyncio.wait((opening, stopping), return_when=asyncio.FIRST_COMPLETED)
        vocero = await opening
        await stack.enter_async_context(vocero.nightly())
        session = await stack.enter_async_context(aiohttp.ClientSession())
        joined = await open_discord(stack, vocero, settings, session, oversight=oversight)
        connecting = asyncio.ensure_future(joined.connect(say))
        await asyncio.wait((connecting, stopping), return_when=asyncio.FIRST_COMPLETED)
        if stop.is_set():
            connecting.cancel()
            await asyncio.gather(connecting, return_exceptions=True)
            return
        client = await connecting
        oversight.open(vocero, joined.connected)
        for note in vocero.notes:
            say(note)
        say(f"Discord: {client.user} answers in {len(client.guilds)} servers (Ctrl-C ends it).")
        ended = asyncio.ensure_future(joined.supervisor.stopped.wait())
        await asyncio.wait((ended, stopping), return_when=asyncio.FIRST_COMPLETED)
        oversight.close()
        ended.cancel()
        if not stop.is_set():
            raise SetupError(joined.supervisor.error)
        say("Discord: finishing what is in hand.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """The parts of a running bot."""

    supervisor: Supervisor
    reception: Reception
    guilds: Any

    async def connected(self) -> str:
        """Return a sentence about the connection. UnavailableError while it is down."""
        if not self.supervisor.connected:
            raise UnavailableError("the connection to Discord is down: it is being made again; check the network.")
        return "connected"

    async def connect(self, say: Say) -> Ears:
        """Wait for the first connection and send the commands if they changed. SetupError."""
        client = await self.supervisor.ready()
        try:
            if await sync(client.tree, self.guilds, str(client.application_id)):
                say("Discord: the commands have changed and were sent.")
        except BotError as error:
            say(f"Discord: the commands could not be sent ({error}) Run vocero discord sync.")
        return client


async def open_discord(
    stack: AsyncExitStack,
    vocero: "Vocero",
    settings: Settings,
    session: aiohttp.ClientSession,
    *,
    beat: float = BEAT,
    oversight: Oversight | None = None,
) -> Joined:
    """Join the parts and begin to connect. Leaving drains first, while the connection still stands, then closes it."""
    point(settings)
    chat = vocero.chat
    inbox = chat.inbox

    async def leave(arrival: Arrival) -> None:
        if work := await inbox.accept(arrival):
            await inbox.release(work)

    supervisor = Supervisor(lambda: make(), to_token(settings))  # noqa: PLW0108 - made below
    desk = to_desk(vocero, settings, session)
    watched = oversight or blind()
    handler = DiscordHandler(desk, supervisor.client, lambda: intake.gates)
    reception = Reception(inbox, watched.handler(handler), platform=PLATFORM, beat=beat, parting=handler.parting)
    intake = Intake(
        reception.accept, leave=leave, closing=lambda: reception.closing, content=settings.discord_message_content
    )

    def make() -> Ears:
        return to_client(
            intake,
            vocero.librarian,
            handler.deleted,
            calls=watched.calls("discord", settings.discord_api_url),
            content=settings.discord_message_content,
            sharded=settings.discord_sharded,
        )

    await stack.enter_async_context(supervisor)
    await stack.enter_async_context(reception)
    await stack.enter_async_context(
        Gaps(vocero.bot, chat.lessons, reception.accept, platform=PLATFORM, beat=LOOK * beat)
    )
    supervisor.start()
    return Joined(supervisor=supervisor, reception=reception, guilds=vocero.chat.guilds)


def point(settings: Settings) -> None:
    """Let discord.py talk to the addresses that are set, and not complain that it cannot talk aloud."""
    discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False
    Route.BASE = settings.discord_api_url.rstrip("/")
    DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(settings.discord_gateway_url)


def to_desk(vocero: "Vocero", settings: Settings, session: aiohttp.ClientSession) -> Desk:
    """Return the product as the adapter sees it."""
    parts = urlsplit(settings.discord_api_url)
    chat = vocero.chat
    orders = Orders(
        bot=vocero.bot,
        librarian=vocero.librarian,
        memory=chat.memory,
        rooms=chat.rooms,
        exchanges=chat.exchanges,
        lessons=chat.lessons,
        troubles=lambda: troubles(vocero.health),
    )
    return Desk(
        bot=vocero.bot,
        librarian=vocero.librarian,
        orders=orders,
        rooms=chat.rooms,
        exchanges=chat.exchanges,
        lessons=chat.lessons,
        guilds=chat.guilds,
        limits=chat.limits,
        session=session,
        admins=settings.admins,
        human=settings.human_group,
        plain=settings.discord_plain,
        content=settings.discord_message_content,
        trusted=frozenset() if parts.hostname == OFFICIAL else frozenset({f"{parts.scheme}://{parts.netloc}"}),
        notes=vocero.notes,
    )
