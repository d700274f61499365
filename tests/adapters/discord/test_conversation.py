"""Conversations: what is said in Discord, and what Discord then shows."""

import re

import pytest

from tests.adapters.discord.conftest import Joined
from tests.adapters.slack.test_conversation import SAID as SLACKS
from tests.fakes.discord import visible

pytestmark = pytest.mark.slow

# The table of Slack's adapter: the same people say the same, and the same must be seen. Discord takes 2,000 characters,
# and has no people of other companies.
NAMES = {"ana": "mod"}
SAID = [
    (NAMES.get(who, who), where, said.replace("@vocero", "@bot"), shown)
    for who, where, said, shown in SLACKS
    if where in ("general", "people") and len(said) <= 2_000
]


@pytest.mark.parametrize(("who", "where", "said", "shown"), SAID, ids=[f"{s[0]}-{s[1]}-{s[2][:30]}" for s in SAID])
async def test_what_is_said_is_answered(bot: Joined, who: str, where: str, said: str, shown: str) -> None:
    """Each mention gets one reply, in the thread it opens, with what everyone there may see."""
    asked = await bot.people.say(who, said, channel=where)
    thread = await opened(bot, asked)
    answer = await bot.people.seen(lambda m: re.search(shown, visible(m), re.DOTALL), thread)
    assert [m["id"] for m in bot.people.messages(thread)] == [answer["id"]]


async def opened(bot: Joined, asked: dict) -> dict:
    """Wait for the thread that a message opened and return it."""
    key = f"thread:{asked['id']}"
    await bot.people.until(lambda: key in bot.discord.world.channels)
    return bot.discord.world.channels[key]
