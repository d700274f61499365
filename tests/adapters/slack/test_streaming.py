"""Streams: sentences as they pass the checks, over as many messages as it takes, and the whole answer at the end."""

import aiohttp
import pytest
from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack.heard import Heard, Way
from adapters.slack.outbox import Outbox
from adapters.slack.streaming import LONGEST, Stream
from core.inbox import Arrival
from core.reception import Held
from infra.postgres.inbox import PostgresInbox
from infra.postgres.pool import Database
from tests.adapters.slack.conftest import Joining
from tests.fakes.brain import Script, brain
from tests.fakes.slack import FakeSlack
from tests.fakes.slack.world import BOT, visible


async def test_a_stream_grows_in_a_direct_message_and_ends_whole(join: Joining) -> None:
    """Sentences appear as they pass the checks; the end has text, sources and buttons in the same message."""
    said = "Refunds take 14 days after the goods arrive [1]. Refunds take 14 days [1]."
    mind = brain(speaker=Script({"refunds": said}, pause=0.01))
    async with join(mind=mind) as bot:
        asked = await bot.slack.dm("how long do refunds take?")
        answer = await bot.slack.reply(asked)
        await bot.slack.settled(lambda: answer.blocks)
        assert [c for c, _ in bot.slack.web.calls if "Stream" in c][:2] == ["chat.startStream", "chat.appendStream"]
        assert "14 days" in visible(answer)
        assert "Sources" in visible(answer)
        assert len([m for m in bot.slack.world.history(asked.channel) if m.user == BOT]) == 1


async def test_a_stream_rolls_over_before_slack_ends_it(join: Joining, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second message goes on where the first is full, a third where Slack ended the second; the end is whole."""
    monkeypatch.setattr("adapters.slack.streaming.MOST", 80)
    said = "Refunds take 14 days after the goods arrive [1]. Refunds take 14 days [1]. "
    said += "After the goods arrive refunds take 14 days [1]. Refunds: 14 days [1]."
    async with join(mind=brain(speaker=Script({"refunds": said}, pause=0.01))) as bot:
        bot.slack.web.fail["chat.appendStream"] = ["message_not_in_streaming_state"]
        asked = await bot.slack.dm("how long do refunds take?")
        answer = await bot.slack.reply(asked)
        await bot.slack.settled(lambda: answer.blocks)
        started = [a for c, a in bot.slack.web.calls if c == "chat.startStream"]
        assert len(started) == 3
        assert all(len(a["markdown_text"]) <= 80 for a in started)
        await bot.slack.settled(lambda: len([m for m in bot.slack.world.history(asked.channel) if m.user == BOT]) == 1)
        assert visible(answer).count("14 days") == 4
        assert not any(m.streaming for m in bot.slack.world.history(asked.channel))


async def test_a_code_block_goes_on_in_the_next_message(database: Database) -> None:
    """What rolls over inside a code block ends it and opens it again, with its language."""
    async with FakeSlack() as slack, aiohttp.ClientSession() as session:
        client = AsyncWebClient("xoxb-test", base_url=slack.api_url, session=session, retry_handlers=[])
        asked = await slack.dm("show me")
        heard = Heard(team="T0TEAM", channel=asked.channel, user="U0ANA", text="", way=Way.DIRECT, root=asked.ts)
        inbox = PostgresInbox(database)
        work = await inbox.accept(Arrival(workspace="slack/T0TEAM", event_key="e", conversation="c", payload={}))
        assert work
        now = [0.0]
        stream = Stream(Outbox(client), Held(work, inbox), heard, clock=lambda: now[0])
        await stream.piece("Run this:\n```python\none()\n")
        now[0] = LONGEST + 1
        await stream.piece("two()\n```\nDone.")
        await stream.close()
        first, second = [m.text for m in slack.world.history(asked.channel) if m.user == BOT]
        assert (first, second) == ("Run this:\n```python\none()\n\n```", "```python\ntwo()\n```\nDone.")


async def test_a_channel_may_want_a_stream_and_a_person_none(join: Joining) -> None:
    """`stream on` streams to the asker in a channel, `stream off` in a direct message shows the end only."""
    mind = brain(speaker=Script({"refunds": "Refunds take 14 days after the goods arrive [1]."}, pause=0.01))
    async with join(mind=mind) as bot:
        for said in ("@vocero settings stream on", "@vocero how long do refunds take?"):
            await bot.slack.reply(await bot.slack.say(said))
        [started] = [a for c, a in bot.slack.web.calls if c == "chat.startStream"]
        assert (started["recipient_user_id"], started["recipient_team_id"]) == ("U0ANA", "T0TEAM")
        await bot.slack.reply(await bot.slack.dm("settings stream off"))
        answer = await bot.slack.reply(await bot.slack.dm("how long do refunds take, please?"))
        assert "14 days" in visible(answer)
        assert len([c for c, _ in bot.slack.web.calls if c == "chat.startStream"]) == 1


async def test_a_stream_that_slack_refuses_ends_in_a_plain_answer(join: Joining) -> None:
    """Streaming is an enhancement: without it the answer is posted once."""
    mind = brain(speaker=Script({"refunds": "Refunds take 14 days after the goods arrive [1]."}))
    async with join(mind=mind) as bot:
        bot.slack.web.fail["chat.startStream"] = ["channel_type_not_supported"] * 5
        answer = await bot.slack.reply(await bot.slack.dm("how long do refunds take?"))
        assert "14 days" in visible(answer)
