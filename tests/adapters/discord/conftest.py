"""The adapter on stock discord.py, against the fake Discord and a real inbox; the brain's services are in memory."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest

from bots import discord as running
from core.documents import Place, Source
from core.limits import UNLIMITED, Limiter, Limits
from infra.postgres.exchanges import PostgresExchanges
from infra.postgres.guilds import PostgresGuilds
from infra.postgres.inbox import PostgresInbox
from infra.postgres.lessons import PostgresLessons
from infra.postgres.paces import PostgresPaces
from infra.postgres.pool import Database
from infra.postgres.rooms import PostgresRooms
from infra.settings import Settings, read_settings
from tests.fakes.brain import Brain, brain
from tests.fakes.discord import FakeDiscord

FACTS = {
    "refunds.md": ("# Refund policy\n\nRefunds take 14 days after the goods arrive.", "workspace"),
    "pay.md": ("# Salaries\n\nSalaries are paid on the 25th of each month.", "people"),
}


@dataclass(frozen=True)
class Joined:
    """The fake, the brain behind the bot, what was kept, and the bot's parts."""

    discord: FakeDiscord
    brain: Brain
    chat: Any
    bot: Any

    @property
    def people(self) -> Any:
        """What people do."""
        return self.discord.people


Joining = Callable[..., AbstractAsyncContextManager[Joined]]


@asynccontextmanager
async def joined(
    database: Database,
    *,
    fake: FakeDiscord | None = None,
    mind: Brain | None = None,
    lease: float = 15.0,
    beat: float = 0.5,
    limits: Limits = UNLIMITED,
    **settings: Any,
) -> AsyncIterator[Joined]:
    """Run the bot against a fake until the block ends."""
    async with AsyncExitStack() as stack:
        there = fake or await stack.enter_async_context(FakeDiscord())
        thinking = mind or brain()
        for name, (text, scope) in FACTS.items():
            where = f"channel:{there.world.channels[scope]['id']}" if scope != "workspace" else scope
            place = Place(workspace=there.workspace, scope=where)
            await thinking.bot.learn(Source(name=name, content=text.encode()), place)
        chat = SimpleNamespace(
            inbox=PostgresInbox(database, lease=lease),
            rooms=PostgresRooms(database),
            exchanges=PostgresExchanges(database),
            lessons=PostgresLessons(database),
            guilds=PostgresGuilds(database),
            memory=thinking.recollection,
            limits=Limiter(PostgresPaces(database), limits),
        )
        session = await stack.enter_async_context(aiohttp.ClientSession())
        whole: Any = SimpleNamespace(bot=thinking.bot, librarian=thinking.librarian, notes=(), chat=chat, health={})
        bot = await running.open_discord(stack, whole, to_settings(there, **settings), session, beat=beat)
        await bot.connect(lambda _: None)
        yield Joined(there, thinking, chat, bot)


def to_settings(fake: FakeDiscord, **more: Any) -> Settings:
    """Return settings for the fake."""
    where = {"DISCORD_API_URL": fake.api_url, "DISCORD_GATEWAY_URL": fake.gateway_url}
    return read_settings(**{"DISCORD_BOT_TOKEN": fake.token, **where, **more})


@pytest.fixture
async def join(database: Database) -> Joining:
    """Return how to run the bot on the module's database."""

    def start(**more: Any) -> AbstractAsyncContextManager[Joined]:
        return joined(database, **more)

    return start


@pytest.fixture(scope="module")
async def bot(database: Database) -> AsyncIterator[Joined]:
    """One running bot for a module whose tests do not disturb each other."""
    async with joined(database, human_group="role/1") as running_bot:
        yield running_bot


async def opened(bot: Joined, asked: dict[str, Any]) -> dict[str, Any]:
    """Wait for the thread that a message opened and return it."""
    key = f"thread:{asked['id']}"
    await bot.people.until(lambda: key in bot.discord.world.channels)
    return dict(bot.discord.world.channels[key])
