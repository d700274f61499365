"""How an installation may differ: several servers, the Message Content intent, plain messages, a slow model.

discord.py's addresses belong to the process, so no module may run two bots at once.
"""

import asyncio
import re
from typing import Any

import pytest

from tests.adapters.discord.conftest import Joining, opened
from tests.fakes.brain import Script, brain
from tests.fakes.discord import V2, FakeDiscord, visible
from tests.fakes.discord.world import walk

pytestmark = pytest.mark.slow


async def test_a_member_of_two_servers_is_asked_which(join: Joining) -> None:
    """In a direct message the documents of several servers could be meant: none is guessed."""
    async with FakeDiscord() as fake:
        fake.world.guild("club")
        fake.world.user("alice", guild="club")
        async with join(fake=fake) as bot:
            asked = await bot.people.dm("alice", "how long do refunds take?")
            where = fake.world.by_id(asked["channel_id"])
            assert await bot.people.seen(lambda m: "Lab, Club" in visible(m), where)
            call = await bot.people.slash("alice", "ask", channel=where, question="how long do refunds take?")
            assert "Lab, Club" in visible(await call.message())


async def test_a_follow_up_without_the_name_needs_the_intent(join: Joining) -> None:
    """With Message Content the bot's own thread goes on by itself; others' threads and chatter are left alone."""
    async with FakeDiscord(content_intent=True) as fake, join(fake=fake, discord_message_content=True) as bot:
        thread = await opened(bot, await bot.people.say("ben", "@bot how long do refunds take?"))
        await bot.people.seen(lambda m: "14 days" in visible(m), thread)
        await bot.people.say("ben", "how long do refunds take in general?", channel=thread)
        await bot.people.until(lambda: len(bot.people.messages(thread)) == 3)
        await bot.people.say("ben", "lunch then", channel=thread)
        await bot.people.say("ben", "how long do refunds take?", channel="general")
        await asyncio.sleep(0.3)
        assert len(bot.people.messages(thread)) == 4


async def test_sentences_appear_apart_in_time_and_the_end_is_whole(join: Joining) -> None:
    """What passed the checks is shown by edits at least 1.2 seconds apart; the last one is the answer."""
    said = "Refunds take 14 days after the goods arrive [1]. Refunds take 14 days [1]."
    async with join(mind=brain(speaker=Script({"refunds": said}, pause=0.19))) as bot:
        call = await bot.people.slash("ben", "ask", question="how long do refunds take?")
        await call.until(lambda: call.original and _buttons(call.original), 20)
        gaps = [b - a for a, b in zip(call.edited, call.edited[1:], strict=False)]
        assert len(call.edited) >= 3
        assert min(gaps) > 1.1
        assert "▍" not in visible(call.original or {})


async def test_a_sharded_installation_answers_alike(join: Joining) -> None:
    """Several connections when Discord wants them; nothing else changes."""
    async with join(discord_sharded=True) as bot:
        answer = await (await bot.people.slash("ben", "ask", question="how long do refunds take?")).message()
        assert "14 days" in visible(answer)


async def test_a_plain_installation_shows_no_cards(join: Joining) -> None:
    """The same in one message's content, with the same buttons."""
    async with join(discord_plain=True) as bot:
        answer = await (await bot.people.slash("ben", "ask", question="how long do refunds take?")).message()
        assert not answer["flags"] & V2
        assert re.search(r"14 days.*Sources", answer["content"], re.DOTALL)
        assert _buttons(answer)
        thread = await opened(bot, await bot.people.say("ben", "@bot how long do refunds take?"))
        assert "14 days" in (await bot.people.seen(lambda m: "14 days" in m["content"], thread))["content"]


def _buttons(message: dict[str, Any]) -> list[dict[str, Any]]:
    return [c for c in walk(message["components"]) if c["type"] == 2]
