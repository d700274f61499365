"""Discord from end to end: `vocero run discord` as its own process, a fake Discord, real Postgres, Redis and model."""

import asyncio
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.conftest import ROOT
from tests.fakes.discord import Call, FakeDiscord, visible

pytestmark = pytest.mark.slow

HOURS = b"# Opening hours\n\nThe workshop in Alderbeck opens at 8:15 on weekdays. It closes at 17:00."
START = 60.0  # seconds a start may take on a busy machine


@asynccontextmanager
async def running(home: Path, fake: FakeDiscord) -> AsyncIterator["asyncio.subprocess.Process"]:
    """Run the bot until the block ends; it must then end by itself, with 0, on SIGTERM, unless it is dead."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("VOCERO_", "DISCORD_"))}
    role = fake.world.roles["people"]["id"]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", "from bots.cli import main; main()", "run", "discord"),
        cwd=ROOT,
        env={
            **kept,
            "VOCERO_HOME": str(home),
            "VOCERO_HUMAN_GROUP": f"{fake.workspace}/role/{role}",
            "DISCORD_BOT_TOKEN": fake.token,
            "DISCORD_API_URL": fake.api_url,
            "DISCORD_GATEWAY_URL": fake.gateway_url,
        },
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout
    try:
        async with asyncio.timeout(START):
            while b"answers in" not in (line := await process.stdout.readline()):
                assert line, "it ended instead of starting"
        yield process
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
            async with asyncio.timeout(30):
                assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        process._transport.close()  # type: ignore[attr-defined]


async def shown(call: Call, said: str) -> dict[str, Any]:
    """Wait until a reply says this, and return it."""
    try:
        await call.until(lambda: call.original is not None and said in plain(call.original), 40)
    except TimeoutError:
        raise AssertionError(f"{said!r} is not in {plain(call.original or {})!r}") from None
    assert call.original is not None
    return call.original


def plain(message: dict[str, Any]) -> str:
    """Return a message's words without what keeps them from being links."""
    return visible(message).replace("\u2060", "").replace("`", "")


@pytest.mark.timeout(180)
async def test_the_whole_story_of_a_server(home: Path) -> None:
    """Teach, ask, judge, call a human, list, settle, remove, forget; a kill in the middle; then stop."""
    async with FakeDiscord() as fake:
        people = fake.people
        async with running(home, fake) as process:
            # nothing is known yet
            await shown(await people.slash("ben", "ask", question="When does the workshop open?"), "I don't know")

            # teach: a file, a text, an address that is refused with its reason, and by someone who may not
            file = fake.attachment("hours.md", HOURS, "text/markdown")
            await shown(await people.slash("mod", "docs add", file=file), "Learned Opening hours")
            parking = {"title": "Parking", "text": "Parking behind the workshop costs 3 pounds a day."}
            await shown(await people.slash("mod", "docs add", **parking), "Learned Parking")
            inside = fake.api_url + "/internal"
            await shown(await people.slash("mod", "docs add", url=inside), "I could not learn")
            await shown(await people.slash("ben", "docs add", **parking), "Only admins")
            listed = await shown(await people.slash("ben", "docs list"), "Opening hours")
            assert "Parking" in plain(listed)

            # ask by command, by mention with a follow-up in its thread, directly, and by the menu
            answer = await shown(await people.slash("ben", "ask", question="When does the workshop open?"), "8:15")
            assert "[1] Opening hours" in plain(answer)
            asked = await people.say("ben", "@bot When does the workshop open?")
            await people.until(lambda: f"thread:{asked['id']}" in fake.world.channels, 40)
            thread = fake.world.channels[f"thread:{asked['id']}"]
            await people.seen(lambda m: "8:15" in plain(m), thread, 40)
            await people.say("ben", "@bot And when does it close?", channel=thread)
            await people.seen(lambda m: "17:00" in plain(m), thread, 40)
            direct = await people.dm("ben", "What does parking cost?")
            await people.seen(lambda m: "3 pounds" in plain(m), fake.world.by_id(direct["channel_id"]), 40)
            message = await people.say("alice", "When does the workshop open?")
            await shown(await people.menu("ben", "Ask about this", message), "8:15")

            # a verdict with its why, a human, settings
            await shown(await people.click("ben", answer, "Helpful"), "Thank you")
            form = await people.click("ben", answer, "Not helpful")
            await form.acked()
            await shown(await people.submit("ben", form, text="on Saturdays?"), "Thank you")
            await shown(await people.click("ben", answer, "Ask a human"), "called a human")
            role = fake.world.roles["people"]["id"]
            assert [m for m in people.messages() if m["mention_roles"] == [role]]
            quiet = await people.slash("mod", "settings channel", channel="general", key="threads", value="off")
            await shown(quiet, "threads: off")

            # take away, with a click
            wish = await shown(await people.slash("mod", "docs remove", document="Parking"), "Shall I")
            await shown(await people.click("mod", wish, "Yes, do it"), "out of every answer")
            await shown(await people.slash("ben", "ask", question="What does parking cost?"), "I don't know")
            wish = await shown(await people.slash("ben", "forget", what="me"), "Shall I")
            await shown(await people.click("ben", wish, "Yes, do it"), "Forgotten")

            # killed with a question in hand
            call = await people.slash("alice", "ask", question="When does the workshop open in the morning?")
            await call.acked()
            process.kill()
            await process.wait()
        async with running(home, fake):
            await shown(call, "8:15")
            assert call.followups == []
        assert fake.commands.puts == 1
        assert not [c for c in fake.interactions.calls.values() if c.thinking]


@pytest.mark.timeout(400)
async def test_whatever_ends_the_process_every_interaction_ends_visibly(home: Path) -> None:
    """SIGTERM and kill -9, each in the middle of commands and mentions; the gateway lost and invalidated, too."""
    async with FakeDiscord() as fake:
        people = fake.people
        async with running(home, fake) as process:
            file = fake.attachment("hours.md", HOURS, "text/markdown")
            await shown(await people.slash("mod", "docs add", file=file), "Learned Opening hours")
            stopped = await herd(fake)
            process.send_signal(signal.SIGTERM)
            async with asyncio.timeout(30):
                assert await process.wait() == 0
        assert not thinking(fake), "stopped while someone waits"
        async with running(home, fake) as process:
            await fake.gateway.drop(code=4000)
            await fake.gateway.drop(op=9, forget=True)
            killed = await herd(fake)
            process.kill()
            await process.wait()
        async with running(home, fake):
            await ended(fake, [*stopped, *killed])
        assert not thinking(fake), "killed while someone waits"


async def herd(fake: FakeDiscord) -> list[Call | dict[str, Any]]:
    """Let several ask at once, by command and by mention; return once the first are acknowledged."""
    await asyncio.wait_for(fake.gateway.ready.wait(), 40)
    await asyncio.sleep(1.0)  # the client has heard of its server by then
    asked: list[Call | dict[str, Any]] = []
    for n in range(12):
        who = ("ben", "alice", "mod")[n % 3]
        asked.append(await fake.people.slash(who, "ask", question="When does the workshop open?"))
        if n % 3 == 0:
            asked.append(await fake.people.say(who, "@bot When does the workshop open?"))
    await asyncio.wait_for(asyncio.wait([asyncio.ensure_future(c.acked(40)) for c in calls(asked)[:3]]), 40)
    return asked


def calls(asked: list[Call | dict[str, Any]]) -> list[Call]:
    """Return the commands among what was asked."""
    return [one for one in asked if isinstance(one, Call)]


def thinking(fake: FakeDiscord) -> list[Call]:
    """Return the commands whose asker still sees that the bot thinks."""
    return [call for call in fake.interactions.calls.values() if call.thinking]


async def ended(fake: FakeDiscord, asked: list[Call | dict[str, Any]]) -> None:
    """Wait until each was answered or told to come back; a mention is always answered, and nothing twice."""
    for call in calls(asked):
        if call.ack is not None:
            await call.until(lambda call=call: re.search("8:15|restarting", plain(call.original or {})), 120)
            assert call.followups == []
    for message in asked:
        if not isinstance(message, Call):
            key = f"thread:{message['id']}"
            await fake.people.until(lambda key=key: key in fake.world.channels, 120)
            thread = fake.world.channels[key]
            await fake.people.seen(lambda m: "8:15" in plain(m), thread, 120)
            assert len(fake.people.messages(thread)) == 1
