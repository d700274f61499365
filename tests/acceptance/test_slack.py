"""Slack from end to end: `vocero run slack` as its own process, the fake Slack, real Postgres, Redis and model."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from tests.acceptance.conftest import ROOT
from tests.fakes.slack import FakeSlack, Message
from tests.fakes.slack.world import BOT, visible

pytestmark = pytest.mark.slow

HOURS = b"# Opening hours\n\nThe workshop in Alderbeck opens at 8:15 on weekdays. It closes at 17:00."
CARE = """<html><head><title>Canvas care</title></head><body><main><h1>Canvas care</h1>
<p>Canvas should be waxed every two years, always on a dry day and never in the sun.</p></main></body></html>"""
START = 60.0  # seconds a start may take on a busy machine


@asynccontextmanager
async def running(home: Path, slack: FakeSlack, **more: str) -> AsyncIterator["asyncio.subprocess.Process"]:
    """Run the bot until the block ends; it must then end by itself, with 0, on SIGTERM."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("VOCERO_", "SLACK_"))}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", "from bots.cli import main; main()", "run", "slack"),
        cwd=ROOT,
        env={
            **kept,
            "VOCERO_HOME": str(home),
            "VOCERO_HUMAN_GROUP": "S0HELP",
            "SLACK_BOT_TOKEN": "xoxb-test",
            "SLACK_APP_TOKEN": "xapp-test",
            "SLACK_API_URL": slack.api_url,
            **more,
        },
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout
    try:
        async with asyncio.timeout(START):
            while b"answers in" not in (line := await process.stdout.readline()):
                assert line, "it ended instead of starting"
        yield process
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(30):
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        process._transport.close()  # type: ignore[attr-defined]


@asynccontextmanager
async def wiki() -> AsyncIterator[str]:
    """Serve a page on this machine, as an intranet would; yield its host and port."""

    async def page(_: web.Request) -> web.Response:
        return web.Response(text=CARE, content_type="text/html")

    app = web.Application()
    app.router.add_get("/care", page)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def said(slack: FakeSlack, text: str, **more: object) -> tuple[Message, str]:
    """Say something; return the bot's finished reply and what it shows."""
    asked = await slack.say(text, **more)  # type: ignore[arg-type]
    reply = await slack.reply(asked, seconds=40)
    await slack.settled(lambda: reply.metadata["event_payload"]["finished"], seconds=60)
    return reply, visible(reply).replace("\u2060", "").replace("`", "")


@pytest.mark.timeout(240)
async def test_the_whole_story_of_a_channel(home: Path) -> None:
    """Teach, ask, follow up, share, judge, call a human, be told what fills a gap, settle, remove, forget; stop."""
    async with FakeSlack() as slack, wiki() as host, running(home, slack, VOCERO_PRIVATE_HOSTS=host) as process:
        # nothing is known yet
        unknown, shown = await said(slack, "@vocero When does the workshop open?", channel="people")
        assert "I don't know" in shown

        # teach: an address, a file, a text; an address that was not named as private is refused with its reason
        _, shown = await said(slack, f"@vocero add <http://{host}/care>")
        assert "Learned Canvas care" in shown
        _, shown = await said(slack, "@vocero How often should canvas be waxed?", user="ben")
        assert "every two years" in shown
        assert f"http://{host}/care" in shown
        file = slack.file("hours.md", HOURS, mimetype="text/markdown")
        _, shown = await said(slack, "@vocero add", files=[file])
        assert "Learned Opening hours" in shown
        _, shown = await said(slack, '@vocero add title "Parking": Parking behind the workshop costs 3 pounds a day.')
        assert "Learned Parking" in shown
        _, shown = await said(slack, f"@vocero add <{slack.url}/internal>")
        assert "I could not learn" in shown
        _, shown = await said(slack, "@vocero list docs")
        assert "Opening hours" in shown
        assert "Parking" in shown

        # ask in the channel, follow up in the thread without the name, ask directly
        answer, shown = await said(slack, "@vocero When does the workshop open?", user="ben")
        assert "8:15" in shown
        assert "Sources: [1] Opening hours" in shown
        assert answer.thread_ts
        _, shown = await said(slack, "And when does it close?", user="ben", thread=answer.thread_ts)
        assert "17:00" in shown
        direct = await slack.dm("What does parking cost?", user="ben")
        assert "3 pounds" in visible(await slack.reply(direct, seconds=40))

        # a private answer, shared aloud
        await slack.command("When does the workshop open?", user="ben")
        await slack.settled(lambda: slack.ephemeral("ben"), seconds=30)
        assert "8:15" in visible(slack.ephemeral("ben")[-1])
        await slack.press(slack.ephemeral("ben")[-1], "vocero_share", user="ben")
        await slack.settled(lambda: any("asked: When does" in visible(m) for m in slack.world.history("C0GENERAL")))

        # the question that had no answer is answered in its thread, without being asked again
        filled = await slack.reply(unknown, seconds=60)
        assert "can be answered now" in visible(filled)
        assert "8:15" in visible(filled)

        # a verdict with its reason, another one, a human, settings
        await slack.press(answer, "vocero_feedback:negative", user="ben")
        await slack.settled(lambda: "U0BEN" in slack.world.modals)
        await slack.submit({"reason": "outdated"}, user="ben")
        await slack.press(answer, "vocero_feedback:positive", user="ben")
        await slack.settled(lambda: "Thank you" in visible(slack.ephemeral("ben")[-1]))
        await slack.press(answer, "vocero_human", user="ben")
        await slack.settled(lambda: any("<!subteam^S0HELP>" in m.text for m in slack.world.history("C0GENERAL")))
        _, shown = await said(slack, "@vocero settings mentions on", channel="people")
        assert "mentions: on" in shown
        _, shown = await said(slack, "@vocero settings collections nowhere", channel="people")
        assert "There is no collection nowhere" in shown
        _, shown = await said(slack, "@vocero settings collections general", channel="people")
        assert "collections: general" in shown
        _, shown = await said(slack, '@vocero remove "Parking"', user="ben")
        assert "Only admins" in shown

        # take away, with a click each
        question, shown = await said(slack, '@vocero remove "Parking"')
        assert "Shall I remove Parking?" in shown
        await slack.press(question, "vocero_confirm")
        await slack.settled(lambda: any("out of every answer" in visible(m) for m in slack.world.history("C0GENERAL")))
        _, shown = await said(slack, "@vocero What does parking cost?")
        assert "3 pounds" not in shown
        question, _ = await said(slack, '@vocero forget "Opening hours"')
        await slack.press(question, "vocero_confirm")
        await slack.settled(
            lambda: any("Forgotten:" in visible(m) for m in slack.world.history("C0GENERAL")), seconds=30
        )
        _, shown = await said(slack, "@vocero When does the workshop open?")
        assert "8:15" not in shown

        # every delivery was acknowledged at the first attempt, and nothing was said twice
        assert all(d.acked and d.attempt == 0 for _, d in slack.deliveries)
        keys = [
            m.metadata["event_payload"]["work"] for m in slack.world.messages.values() if m.user == BOT and m.metadata
        ]
        assert len(keys) == len(set(keys))
        assert process.returncode is None
