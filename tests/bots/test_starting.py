"""A start that cannot succeed ends: with a sentence, a code that is not 0, and before any server was started."""

import asyncio
import os
import sys
from pathlib import Path

import pytest

from tests.fakes.slack import FakeSlack

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
WRONG = {
    "bot token": ({"SLACK_BOT_TOKEN": "xoxb-other"}, "SLACK_BOT_TOKEN is not accepted (token_revoked): copy it again"),
    "app token": ({"SLACK_APP_TOKEN": "other"}, "SLACK_APP_TOKEN is not accepted (not_allowed_token_type): make one"),
    "address": ({"SLACK_API_URL": "http://127.0.0.1:9/api/"}, "Slack cannot be reached at http://127.0.0.1:9/api/"),
}


@pytest.mark.parametrize("what", WRONG)
async def test_what_slack_does_not_accept_ends_the_start(tmp_path: Path, what: str) -> None:
    """`vocero run slack` does not wait for ever for a token to become right, and says which one it is."""
    given, sentence = WRONG[what]
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("VOCERO_", "SLACK_"))}
    async with FakeSlack() as slack:
        tokens = {"SLACK_BOT_TOKEN": "xoxb-test", "SLACK_APP_TOKEN": "xapp-test", "SLACK_API_URL": slack.api_url}
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", "from bots.cli import main; main()", "run", "slack"),
            cwd=ROOT,
            env={**kept, "VOCERO_HOME": str(tmp_path / "home"), "VOCERO_OPERATOR_BIND": "off", **tokens, **given},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            async with asyncio.timeout(60):
                _, said = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
    assert process.returncode == 1
    assert said.decode().startswith(f"vocero: {sentence}")
    assert said.decode().count("\n") == 1
    assert not (tmp_path / "home").exists()
