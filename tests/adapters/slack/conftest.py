"""The adapter on stock bolt, against the fake Slack and a real inbox; only the brain's services are in memory."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest

from bots.slack import open_slack, open_team
from core.documents import Place, Source
from core.inbox import Inbox
from core.limits import UNLIMITED, Limiter, Limits
from core.reception import DEADLINES, Deadlines
from infra.postgres.bulletin import PostgresBulletin
from infra.postgres.exchanges import PostgresExchanges
from infra.postgres.inbox import PostgresInbox
from infra.postgres.installations import Installations
from infra.postgres.lessons import PostgresLessons
from infra.postgres.paces import PostgresPaces
from infra.postgres.pool import Database
from infra.postgres.rooms import PostgresRooms
from infra.sealing import Sealer
from infra.settings import Settings, read_settings
from tests.fakes.brain import Brain, Script, brain
from tests.fakes.slack import FakeSlack

TEAM = "slack/T0TEAM"
FACTS = {
    "refunds.md": ("# Refund policy\n\nRefunds take 14 days after the goods arrive.", "workspace"),
    "pay.md": ("# Salaries\n\nSalaries are paid on the 25th of each month.", "channel:C0PEOPLE"),
    "partners.md": ("# Partner terms\n\nPartners receive a discount of 30 percent.", "channel:C0SHARED"),
}


@dataclass(frozen=True)
class Joined:
    """The fake, the brain behind the bot, and what was kept."""

    slack: FakeSlack
    brain: Brain
    chat: Any


Joining = Callable[..., AbstractAsyncContextManager[Joined]]


@asynccontextmanager
async def joined(
    database: Database,
    *,
    slack: FakeSlack | None = None,
    mind: Brain | None = None,
    inbox: Inbox | None = None,
    lease: float = 15.0,
    deadlines: Deadlines = DEADLINES,
    limits: Limits = UNLIMITED,
    **settings: Any,
) -> AsyncIterator[Joined]:
    """Run the bot against a fake until the block ends."""
    async with AsyncExitStack() as stack:
        fake = slack or await stack.enter_async_context(FakeSlack())
        thinking = mind or brain()
        for name, (text, scope) in FACTS.items():
            place = Place(workspace=TEAM, scope=scope)
            await thinking.bot.learn(Source(name=name, content=text.encode()), place)
        chat = SimpleNamespace(
            inbox=inbox or PostgresInbox(database, lease=lease),
            rooms=PostgresRooms(database),
            exchanges=PostgresExchanges(database),
            lessons=PostgresLessons(database),
            memory=thinking.recollection,
            limits=Limiter(PostgresPaces(database), limits),
            bulletin=PostgresBulletin(database),
            installations=lambda keys, app, platform: Installations(database, Sealer(keys), app=app, platform=platform),
        )
        session = await stack.enter_async_context(aiohttp.ClientSession())
        given = to_settings(fake, **settings)
        team = None if given.slack_oauth else await open_team(given, session, lambda _: None)
        whole: Any = SimpleNamespace(bot=thinking.bot, librarian=thinking.librarian, notes=(), chat=chat, health={})
        where = await open_slack(
            stack, whole, given, session, team, beat=min(lease / 3, 0.3), deadlines=deadlines, look=0.1
        )
        if given.slack_mode == "http":
            fake.delivery.url = f"http://127.0.0.1:{where.rpartition(' ')[2]}/slack/events"
        yield Joined(fake, thinking, chat)


def to_settings(fake: FakeSlack, **more: Any) -> Settings:
    """Return settings for the fake."""
    given = {"SLACK_BOT_TOKEN": "xoxb-test", "SLACK_APP_TOKEN": "xapp-test", "SLACK_API_URL": fake.api_url}
    return read_settings(**{**given, **more})


@pytest.fixture
async def join(database: Database) -> Joining:
    """Return how to run the bot on the module's database."""

    def start(**more: Any) -> AbstractAsyncContextManager[Joined]:
        return joined(database, **more)

    return start


@pytest.fixture(scope="module")
async def bot(database: Database) -> AsyncIterator[Joined]:
    """One running bot for a module whose tests do not disturb each other."""
    async with joined(database, human_group="S0HELP") as running:
        yield running


__all__ = ["FACTS", "TEAM", "Joined", "Joining", "Script", "brain", "joined", "to_settings"]
