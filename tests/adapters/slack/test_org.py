"""Organisations (Enterprise Grid): one install for their teams, each team a tenant of its own."""

import asyncio
from collections.abc import AsyncIterator

import psycopg
import pytest

from core.documents import Place, Source
from tests.adapters.slack.conftest import Joined, Joining
from tests.adapters.slack.test_install import OAUTH, Browser
from tests.fakes.slack import FakeSlack
from tests.fakes.slack.world import BOT, Channel, User, visible
from tests.postgres import Urls

ORG, OTHER = "E0ORG", "T1OTHER"


def grid() -> FakeSlack:
    """Return a Slack of an organisation with two teams; dan is of the second, eda of both."""
    slack = FakeSlack()
    world = slack.world
    world.org = ORG
    world.add_user(User(id="U1DAN", name="dan", team=OTHER, org=ORG, teams=(OTHER,), admin=True))
    world.add_user(User(id="U1EDA", name="eda", team=OTHER, org=ORG, teams=(OTHER, "T0TEAM")))
    members = [BOT, "U1DAN", "U1EDA"]
    world.add_channel(Channel(id="C1OTHER", name="other", members=members, team=OTHER))
    world.channels["C0GENERAL"].members += ["U1DAN", "U1EDA"]
    world.add_channel(Channel(id="C0ACROSS", name="across", members=[BOT, "U0ANA", "U1DAN"], org_shared=True))
    return slack


@pytest.fixture
async def hosted(join: Joining) -> AsyncIterator[Joined]:
    """A bot that the organisation has not installed yet."""
    async with grid() as slack:
        slack.web.tokens.clear()
        async with join(slack=slack, **OAUTH) as bot:
            await bot.brain.bot.learn(
                Source(name="tea.md", content=b"# Tea\n\nTea is served at four."), Place(workspace=f"slack/{OTHER}")
            )
            yield bot


async def said(bot: Joined, text: str, user: str, channel: str) -> str:
    """Say something and return what the bot shows."""
    return visible(await bot.slack.reply(await bot.slack.say(text, user=user, channel=channel)))


async def test_each_team_of_an_organisation_is_a_tenant_of_its_own(hosted: Joined, postgres: Urls) -> None:
    """One install answers in every team, from its own documents only; a removed team loses its own, the rest stays."""
    slack, browser = hosted.slack, Browser(hosted)
    await slack.say("@vocero how long do refunds take?")
    assert not [m for m in slack.world.messages.values() if m.user == BOT]
    slack.web.codes["c1"] = ORG
    status, text = await browser.end(await browser.begin())
    assert (status, f"Vocero is installed in {ORG}" in text) == (200, True)
    refunds, tea = "@vocero how long do refunds take?", "@vocero when is tea served?"
    assert "14 days" in await said(hosted, refunds, "ana", "general")
    assert "at four" in await said(hosted, tea, "dan", "other")
    assert "don't know" in await said(hosted, tea, "ana", "general")
    assert "don't know" in await said(hosted, refunds, "dan", "other")
    assert await workspaces(postgres) == {"slack/E0ORG", "slack/T0TEAM", f"slack/{OTHER}"}

    # a command and a button come without a team but with the person's
    await slack.command("how long do refunds take?", user="ana")
    await slack.settled(lambda: slack.ephemeral("ana"))
    await slack.press(slack.ephemeral("ana")[-1], "vocero_share")
    await slack.settled(lambda: any("asked: how long" in visible(m) for m in slack.world.history("C0GENERAL")))

    await slack.send(slack.event({"type": "team_access_revoked", "team_ids": [OTHER]}))
    await until_gone(postgres, f"slack/{OTHER}")
    assert "14 days" in await said(hosted, refunds, "ana", "general")
    await slack.send(slack.event({"type": "app_uninstalled"}))
    await until_gone(postgres, "slack/")
    before = len(slack.world.messages)
    await slack.say(refunds)
    await asyncio.sleep(0.2)
    assert len(slack.world.messages) == before + 1


async def test_colleagues_of_another_team_are_no_members_of_this_one(join: Joining) -> None:
    """With one token for all teams, too: they see a channel's own documents; who is a member of both sees all."""
    async with grid() as slack, join(slack=slack) as bot:
        slack.world.channels["C0PEOPLE"].members += ["U1DAN", "U1EDA"]
        refunds = "@vocero how long do refunds take?"
        assert "14 days" in await said(bot, refunds, "eda", "people")
        shown = await said(bot, refunds, "dan", "people")
        assert "own documents" in shown
        assert "14 days" not in shown
        assert "25th" in await said(bot, "@vocero when are salaries paid?", "dan", "people")
        assert "own documents" in await said(bot, refunds, "ana", "across")
        assert "Only admins" in await said(bot, "@vocero add: a rumour", "dan", "people")


async def workspaces(postgres: Urls) -> set[str]:
    """Return the tenants there are."""
    async with await psycopg.AsyncConnection.connect(postgres.admin) as admin:
        rows = await (await admin.execute("select name from vocero.workspace where name <> 'slack'")).fetchall()
    return {str(row[0]) for row in rows}


async def until_gone(postgres: Urls, prefix: str) -> None:
    """Wait until no tenant is named so."""
    async with asyncio.timeout(5):
        while any(name.startswith(prefix) for name in await workspaces(postgres)):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
