"""What is asked from Slack about people: kept for a while, dropped by events, and never guessed."""

import asyncio

from tests.adapters.slack.conftest import Joining
from tests.fakes.slack.world import visible


async def test_membership_is_kept_and_dropped_by_events(join: Joining) -> None:
    """Who leaves a channel loses its documents with the event; until then nothing is asked twice."""
    async with join() as bot:
        slack = bot.slack
        assert "25th" in visible(await slack.reply(await slack.dm("when are salaries paid?")))
        asked = len([c for c, _ in slack.web.calls if c == "users.conversations"])
        await slack.reply(await slack.dm("when are salaries paid?"))
        assert len([c for c, _ in slack.web.calls if c == "users.conversations"]) == asked
        slack.world.channel("people").members.remove("U0ANA")
        left = {"type": "member_left_channel", "user": "U0ANA", "channel": "C0PEOPLE"}
        await slack.send(slack.event(left))
        await asyncio.sleep(0.05)
        assert "don't know" in visible(await slack.reply(await slack.dm("when are salaries paid?")))


async def test_a_guest_who_joins_narrows_the_channel(join: Joining) -> None:
    """From then on the channel is answered from its own documents only."""
    async with join() as bot:
        slack = bot.slack
        assert "14 days" in visible(await slack.reply(await slack.say("@vocero how long do refunds take?")))
        slack.world.channel("general").members.append("U0GUS")
        await slack.send(slack.event({"type": "member_joined_channel", "user": "U0GUS", "channel": "C0GENERAL"}))
        await asyncio.sleep(0.05)
        assert "own documents" in visible(await slack.reply(await slack.say("@vocero how long do refunds take?")))


async def test_the_agent_view_gets_its_prompts(join: Joining) -> None:
    """With the agent's scope the messages tab suggests questions; without it nothing is tried."""
    async with join() as bot:
        await bot.slack.open_home("ana", tab="messages")
        await bot.slack.settled(lambda: bot.slack.world.prompts.get("D0ANA"))
    async with join() as bot:
        bot.slack.web.scopes -= {"assistant:write"}
        await bot.slack.reply(await bot.slack.dm("how long do refunds take?"))
        await bot.slack.open_home("ana", tab="messages")
        await asyncio.sleep(0.1)
        assert not bot.slack.world.prompts


async def test_two_settings_that_bolt_reads_by_itself_change_nothing(join: Joining, monkeypatch) -> None:
    """With a client's id and secret in the environment bolt would turn to files of its own: here it does not."""
    monkeypatch.setenv("SLACK_CLIENT_ID", "1.2")
    monkeypatch.setenv("SLACK_CLIENT_SECRET", "very")
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-other")
    async with join() as bot:
        assert "14 days" in visible(await bot.slack.reply(await bot.slack.say("@vocero how long do refunds take?")))
