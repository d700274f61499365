"""Gaps that later documents fill: told to their asker directly, once, with what they may see now."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from core.bot import Bot
from core.documents import Place, Source
from infra.postgres.journal import Journal
from infra.postgres.pool import Database
from tests.adapters.discord.conftest import Joined, joined, opened
from tests.fakes.brain import brain
from tests.fakes.discord import visible

pytestmark = pytest.mark.slow

TEXT = b"# Parking\n\nParking behind the workshop costs 3 pounds a day."
ASKED = "what does parking cost?"


@pytest.fixture
async def desk(database: Database) -> AsyncIterator[Joined]:
    """A bot whose gaps are in the real database."""
    mind = brain(bot=lambda **parts: Bot(**{**parts, "journal": Journal(database)}))
    async with joined(database, mind=mind, beat=0.1) as running:
        yield running


async def teach(desk: Joined, database: Database, scope: str = "workspace") -> None:
    """Teach what fills the gap, and raise a real edition."""
    place = Place(workspace=desk.discord.workspace, scope=scope)
    await desk.brain.bot.learn(Source(name="parking.md", content=TEXT), place)
    async with database.writing(desk.discord.workspace) as connection:
        await connection.execute(
            "insert into vocero.collection (workspace, name, scope, edition) select id, %s, %s, 1"
            " from vocero.workspace where name = %s on conflict (workspace, name) do update set edition ="
            " vocero.collection.edition + 1",
            (place.name, place.scope, desk.discord.workspace),
        )


async def test_the_asker_is_told_directly_and_once(desk: Joined, database: Database) -> None:
    """Whether they asked aloud or alone; with the question and the sources, and a gap that is filled stays so."""
    asked = await desk.people.say("ben", f"@bot {ASKED}")
    assert await desk.people.seen(lambda m: "don't know" in visible(m), await opened(desk, asked))
    alone = await desk.people.slash("alice", "ask", question=f"please, {ASKED}", private=True)
    assert "don't know" in visible(await alone.message())
    await teach(desk, database)
    for who in ("ben", "alice"):
        told = await desk.people.seen(lambda m: "3 pounds" in visible(m), desk.discord.world.direct(who))
        assert f"{who.title()}, what you asked on" in visible(told)
        assert ASKED in visible(told)
        assert "Sources" in visible(told)
    await teach(desk, database)
    await asyncio.sleep(1.0)
    assert [len(desk.people.messages(desk.discord.world.direct(who))) for who in ("ben", "alice")] == [1, 1]


@pytest.mark.parametrize("still", [True, False], ids=["who still sees it", "who no longer does"])
async def test_a_hidden_channels_document_is_told_to_who_sees_it(desk: Joined, database: Database, still: bool) -> None:
    """Asked there aloud, and taught for that channel: the asker is told only while they see the channel."""
    asked = await desk.people.say("alice", f"@bot {ASKED}", channel="people")
    assert await desk.people.seen(lambda m: "don't know" in visible(m), await opened(desk, asked))
    world, hidden = desk.discord.world, desk.discord.world.channels["people"]
    if not still:
        world.members[desk.discord.guild_id][world.users["alice"]["id"]]["roles"].clear()
    await teach(desk, database, f"channel:{hidden['id']}")
    if still:
        assert await desk.people.seen(lambda m: "3 pounds" in visible(m), world.direct("alice"))
    else:
        await asyncio.sleep(1.0)
        assert desk.people.messages(world.direct("alice")) == []
