"""A document's end is told once, whoever dies: the bot and the worker as processes of their own, killed on the way."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.acceptance.conftest import ROOT
from tests.fakes.slack import FakeSlack, Message
from tests.fakes.slack.world import BOT, visible

pytestmark = pytest.mark.slow

START = 60.0  # seconds a start may take on a busy machine
READY = {"slack": b"answers in", "worker": b"takes documents"}


@asynccontextmanager
async def running(home: Path, slack: FakeSlack, part: str) -> AsyncIterator["asyncio.subprocess.Process"]:
    """Run a part of the bot until the block ends; it is killed there, if the test has not done so."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("VOCERO_", "SLACK_"))}
    tokens = {"SLACK_BOT_TOKEN": "xoxb-test", "SLACK_APP_TOKEN": "xapp-test", "SLACK_API_URL": slack.api_url}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", "from bots.cli import main; main()", "run", part),
        cwd=ROOT,
        env={**kept, **tokens, "VOCERO_HOME": str(home)},
        stdout=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stdout
    try:
        async with asyncio.timeout(START):
            while READY[part] not in (line := await process.stdout.readline()):
                assert line, "it ended instead of starting"
        yield process
    finally:
        await kill(process)
        process._transport.close()  # type: ignore[attr-defined]


async def kill(process: "asyncio.subprocess.Process") -> None:
    if process.returncode is None:
        process.send_signal(signal.SIGKILL)
        await process.wait()


def ends(slack: FakeSlack, asked: Message) -> list[str]:
    """What the bot said of ends in the thread of an order."""
    mine = [m for m in slack.world.thread(asked.channel, asked.ts) if m.user == BOT]
    return [shown for m in mine if "Learned" in (shown := visible(m).replace("\u2060", ""))]


@pytest.mark.timeout(240)
async def test_the_end_of_an_order_is_told_once_though_bot_and_worker_are_killed(home: Path) -> None:
    """The worker dies over the documents, the bot before it could tell; their successors finish and tell it once."""
    async with FakeSlack() as slack:
        async with running(home, slack, "worker") as worker, running(home, slack, "slack"):
            facts = [f"# Page {n}\n\n" + f"Shed {n} holds kayak {n}. " * 400 for n in range(5)]
            files = [slack.file(f"page{n}.md", text.encode(), mimetype="text/markdown") for n, text in enumerate(facts)]
            asked = await slack.say("@vocero add", files=files)
            reply = await slack.reply(asked, seconds=40)
            await slack.settled(lambda: "will say here how it ended" in visible(reply), seconds=40)
            await kill(worker)
        assert ends(slack, asked) == []  # both are dead
        async with running(home, slack, "worker"):
            async with running(home, slack, "slack"):
                await slack.settled(lambda: ends(slack, asked), seconds=150)
            async with running(home, slack, "slack"):
                await asyncio.sleep(8)  # longer than a beat: whoever told it was killed right after
        [told] = ends(slack, asked)
        assert told.count("Learned Page") == 5
