"""The same conversations on Slack and on Discord, stock clients against the fakes."""

from collections.abc import AsyncIterator

import pytest

from infra.postgres.pool import Database
from tests.adapters.conversations import TALKS, OnDiscord, OnSlack, Stage, play
from tests.adapters.discord import conftest as discord
from tests.adapters.slack import conftest as slack

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", params=["slack", "discord"])
async def stage(request: pytest.FixtureRequest, database: Database) -> AsyncIterator[Stage]:
    """A running bot on a platform."""
    if request.param == "slack":
        async with slack.joined(database, human_group="S0HELP") as on_slack:
            yield OnSlack(on_slack)
    else:
        async with discord.joined(database, human_group="role/1") as on_discord:
            yield OnDiscord(on_discord)


@pytest.mark.parametrize("name", TALKS)
async def test_a_conversation_goes_the_same_way(stage: Stage, name: str) -> None:
    """What is said and pressed has the same answers, each once, on every platform."""
    await play(TALKS[name], stage)
