"""Gaps that later documents fill: told in the thread, once, to whoever may see it now."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from core.bot import Bot
from core.documents import Place, Source
from infra.postgres.journal import Journal
from infra.postgres.pool import Database
from tests.adapters.slack.conftest import TEAM, Joined, joined
from tests.fakes.brain import brain
from tests.fakes.slack.world import BOT, User, visible

TEXT = b"# Parking\n\nParking behind the workshop costs 3 pounds a day."
ASKED = "what does parking cost?"


@pytest.fixture
async def desk(database: Database) -> AsyncIterator[Joined]:
    """A bot whose gaps are in the real database, and whose documents raise a real edition."""
    mind = brain(bot=lambda **parts: Bot(**{**parts, "journal": Journal(database)}))
    async with joined(database, mind=mind) as running:
        yield running


async def teach(desk: Joined, database: Database, scope: str = "workspace") -> None:
    """Teach what fills the gap."""
    place = Place(workspace=TEAM, scope=scope)
    await desk.brain.bot.learn(Source(name="parking.md", content=TEXT), place)
    async with database.writing(TEAM) as connection:
        await connection.execute(
            "insert into vocero.collection (workspace, name, scope, edition) select id, 'general', 'workspace', 1"
            " from vocero.workspace where name = %s on conflict (workspace, name) do update set edition ="
            " vocero.collection.edition + 1",
            (TEAM,),
        )


async def gaps(database: Database) -> list[tuple[str, bool]]:
    """Return the gaps and whether they are filled."""
    async with database.reading(TEAM) as connection:
        rows = await (await connection.execute("select question, filled_by is not null from vocero.gap")).fetchall()
    return [(str(q), bool(f)) for q, f in rows]


async def test_the_asker_is_told_in_the_thread_once(desk: Joined, database: Database) -> None:
    """In a channel, directly, and where only they had asked; each once however the documents change on."""
    slack = desk.slack
    aloud = await slack.say(f"@vocero {ASKED}", user="ben")
    assert "don't know" in visible(await slack.reply(aloud))
    again = await slack.say(ASKED, user="ben", thread=aloud.ts)
    await slack.reply(again)
    direct = await slack.dm(ASKED, user="ana")
    await slack.reply(direct)
    await slack.command(f"please, {ASKED}", user="ben")
    await slack.settled(lambda: slack.ephemeral("ben"))
    assert len(await gaps(database)) == 3  # the same question of the same thread is one

    await teach(desk, database)
    told = await slack.reply(again, n=2)
    await slack.settled(lambda: told.blocks)
    assert visible(told).startswith("<@U0BEN>, what you asked on ")
    assert "can be answered now: what does parking cost?" in visible(told)
    assert "3 pounds" in visible(told)
    assert "Sources: [1] Parking" in visible(told)
    assert "vocero_feedback:positive" in told.buttons()
    await slack.settled(lambda: any("3 pounds" in visible(m) for m in slack.world.history("D0ANA")))
    await slack.settled(lambda: any("3 pounds" in visible(m) for m in slack.world.history("D0BEN")))
    async with asyncio.timeout(5):
        while not all(f for _, f in await gaps(database)):  # noqa: ASYNC110 - noted after it was shown
            await asyncio.sleep(0.02)

    before = len(slack.world.messages)
    await teach(desk, database)
    await asyncio.sleep(0.5)
    assert len(slack.world.messages) == before
    follow = await slack.say("@vocero and how much is parking a day?", user="ben", thread=aloud.ts)
    assert "3 pounds" in visible(await slack.reply(follow))


@pytest.mark.slow
async def test_what_readers_may_not_see_fills_nothing_for_them(desk: Joined, database: Database) -> None:
    """A document of another channel is no answer here; nor one of the workspace once a guest reads along."""
    slack = desk.slack
    asked = await slack.say(f"@vocero {ASKED} Please!", user="ben")
    await slack.reply(asked)
    await teach(desk, database, "channel:C0PEOPLE")
    await asyncio.sleep(0.5)
    assert len([m for m in slack.world.thread(asked.channel, asked.ts) if m.user == BOT]) == 1
    slack.world.add_user(User(id="U0GIA", name="gia", guest=True))
    slack.world.channels["C0GENERAL"].members.append("U0GIA")
    event = {"type": "member_joined_channel", "user": "U0GIA", "channel": "C0GENERAL"}
    await slack.send(slack.event(event))
    await teach(desk, database)
    await asyncio.sleep(0.5)
    assert len([m for m in slack.world.thread(asked.channel, asked.ts) if m.user == BOT]) == 1
    assert (f"{ASKED} Please!", False) in await gaps(database)


async def test_a_deleted_question_takes_the_late_answer_along(desk: Joined, database: Database) -> None:
    """What was told later belongs to the question as what was said at once."""
    slack = desk.slack
    asked = await slack.say(f"@vocero please, {ASKED}", user="ben")
    await slack.reply(asked)
    await teach(desk, database)
    await slack.reply(asked, n=2)
    async with asyncio.timeout(5):
        while (f"please, {ASKED}", True) not in await gaps(database):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    await asyncio.sleep(0.2)  # the two are joined after that
    await slack.delete(asked)
    await slack.settled(lambda: not [m for m in slack.world.thread(asked.channel, asked.ts) if m.user == BOT])
