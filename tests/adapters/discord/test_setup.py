"""What is set up once: the commands at Discord, the invitation, and what the doctor finds."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from adapters.discord.sync import sync
from bots import discord_setup as running
from core.errors import SetupError, UnavailableError
from infra.postgres.guilds import PostgresGuilds
from infra.postgres.pool import Database
from tests.adapters.discord.conftest import Joining, to_settings
from tests.fakes.discord import FakeDiscord

pytestmark = pytest.mark.slow


async def test_the_commands_are_sent_only_when_they_changed(join: Joining) -> None:
    """A second start sends nothing; unchanged commands keep their ids."""
    async with FakeDiscord() as fake:
        async with join(fake=fake):
            assert fake.commands.puts == 1
        async with join(fake=fake):
            assert fake.commands.puts == 1


async def test_of_several_that_start_at_once_one_sends_the_commands(join: Joining, database: Database) -> None:
    """The others wait for it; what it leaves undone the next one does; a forced one sends again."""
    async with FakeDiscord() as fake:
        fake.limits.fail("PUT", "/commands$", 400, {"message": "no", "code": 50035})
        async with AsyncExitStack() as stack:
            clients = [await stack.enter_async_context(running.logged_in(to_settings(fake))) for _ in range(4)]
            app = str(fake.world.app_id)
            sent = await asyncio.gather(
                *(sync(client.tree, PostgresGuilds(database), app) for client in clients), return_exceptions=True
            )
            assert sorted(map(str, sent)) == ["Discord refused this (50035).", "False", "False", "True"]
            assert fake.commands.puts == 1
            assert await sync(clients[0].tree, PostgresGuilds(database), app, force=True)
            assert fake.commands.puts == 2


async def test_the_doctors_rows(join: Joining) -> None:
    """Token, intents, rights and commands, each with its remedy."""
    async with FakeDiscord() as fake:
        settings = to_settings(fake)
        assert "vocero" in await running.token_health(settings)
        assert "none that need a permission" in await running.intent_health(settings)
        with pytest.raises(Exception, match=r"vocero discord sync"):
            await running.command_health(settings)
        async with join(fake=fake):
            assert "as they are here" in await running.command_health(settings)
        fake.commands.sets[None][0]["description"] = "of another version"
        with pytest.raises(UnavailableError, match=r"other commands.*ask.*vocero discord sync"):
            await running.command_health(settings)
        assert "1 servers" in await running.permission_health(settings)
        with pytest.raises(SetupError, match="not accepted"):
            await running.token_health(to_settings(fake, DISCORD_BOT_TOKEN="wrong"))
        assert str(fake.world.app_id) in running.to_invite_url(settings)
        assert "permissions=309237763136" in running.to_invite_url(settings)
