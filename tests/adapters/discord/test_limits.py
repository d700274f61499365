"""Discord wants us to wait, or stumbles: the answer comes all the same, once, and whole."""

import asyncio
from typing import Any

import pytest

from tests.adapters.discord.conftest import Joining, opened
from tests.adapters.discord.test_faults import WAIT, answered
from tests.fakes.brain import Script, brain
from tests.fakes.discord import visible

pytestmark = pytest.mark.slow

SLOWLY = "Refunds take 14 days after the goods arrive [1]. Refunds take 14 days [1]."


async def test_a_full_bucket_holds_edits_back_and_the_last_one_comes(join: Joining) -> None:
    """Two edits in two seconds and no more: stages are left out, the whole answer stands in the end."""
    async with join(mind=brain(speaker=Script({"refunds": SLOWLY}, pause=0.15))) as bot:
        bot.discord.limits.windows["PATCH /webhooks/"] = (2, 2.0)
        calls = [await bot.people.slash("ben", "ask", question="how long do refunds take?") for _ in range(2)]
        for call in calls:
            await call.until(lambda call=call: "Sources" in visible(call.original or {"content": ""}), WAIT)
            assert "▍" not in visible(call.original)
            assert call.followups == []


async def test_a_full_bucket_of_posts_loses_no_reply(join: Joining) -> None:
    """One post in half a second in a channel: four mentions get their four answers, in the channel and once each."""
    async with join() as bot:
        bot.discord.limits.windows["POST /channels/\\d+/messages$"] = (1, 0.5)
        call = await bot.people.slash("mod", "settings channel", key="threads", value="off")
        await call.message()
        asked = [await bot.people.say("ben", "@bot how long do refunds take?") for _ in range(4)]

        def replies() -> list[str]:
            mine = [m for m in bot.people.messages() if m["author"]["bot"] and m.get("message_reference")]
            return sorted(m["message_reference"]["message_id"] for m in mine)

        await bot.people.until(lambda: len(replies()) >= 4, WAIT)
        await asyncio.sleep(0.3)
        assert replies() == sorted(m["id"] for m in asked)


async def test_the_global_limit_holds_everything_back_but_interactions(join: Joining) -> None:
    """Few calls a second for the whole application: mentions are answered later, commands at once."""
    async with join() as bot:
        bot.discord.limits.most = 3
        asked = [await bot.people.say("ben", "@bot how long do refunds take?") for _ in range(3)]
        await answered(bot)
        for message in asked:
            thread = await opened(bot, message)
            await bot.people.seen(lambda m: "14 days" in visible(m), thread, WAIT)
            assert len(bot.people.messages(thread)) == 1
        assert bot.discord.limits.refused


# what fails, how often, whether the interaction itself can still be answered
STUMBLES: list[tuple[str, str, int, int, bool]] = [
    ("POST", "/callback$", 500, 1, True),
    ("POST", "/callback$", 500, 5, False),
    ("POST", "/callback$", 503, 5, False),
    ("PATCH", "/webhooks/", 502, 2, True),
]


@pytest.mark.parametrize(("method", "path", "status", "times", "stands"), STUMBLES)
async def test_what_stumbles_ends_in_an_answer(
    join: Joining, method: str, path: str, status: int, times: int, stands: bool
) -> None:
    """In the interaction's own message where that is possible; else as a message in the channel, and never twice."""
    async with join(lease=1.0, beat=0.2) as bot:
        bot.discord.limits.fail(method, path, status, times=times)
        call = await bot.people.slash("ben", "ask", question="how long do refunds take?")

        def shown() -> list[Any]:
            mine = [m for m in bot.people.messages() if m["author"]["bot"]]
            return [m for m in mine if "14 days" in visible(m)]

        await bot.people.until(shown, 2 * WAIT)
        await asyncio.sleep(0.3)
        [message] = shown()
        assert (call.original is not None and message["id"] == call.original["id"]) is stands
        assert not call.thinking
