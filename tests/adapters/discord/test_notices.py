"""Documents that take longer, in Discord: left to a worker, and their end told once where they were given."""

from typing import Any

import pytest

from tests.adapters.discord.conftest import Joined, Joining, opened
from tests.fakes.brain import brain, to_arrival
from tests.fakes.discord import visible

pytestmark = pytest.mark.slow

URL = "https://example.com/hours"
WEB = {URL: "# Opening hours\n\nThe workshop opens at 8:15 on weekdays."}


@pytest.fixture
async def desk(join: Joining):
    """A bot of the test's own, with a worker beside it."""
    mind = brain(web=WEB)
    mind.librarian.worker = True
    async with join(mind=mind, lease=1.0, beat=0.3) as running:
        yield running


async def deliver(desk: Joined) -> None:
    """Let what was noticed end: the delivery is there, and no process has begun it."""
    notice, ended = desk.brain.librarian.noticed[-1]
    work = await desk.chat.inbox.accept(to_arrival(desk.discord.workspace, notice, ended))
    assert work
    await desk.chat.inbox.release(work)


def told(desk: Joined, channel: Any) -> list[Any]:
    return [m for m in desk.people.messages(channel) if "Learned Opening hours" in visible(m)]


async def test_the_end_is_told_in_the_thread_that_the_order_opened(desk: Joined) -> None:
    """The first reply says that it takes longer, the second one how it ended."""
    thread = await opened(desk, await desk.people.say("mod", f"@bot add {URL}"))
    await desk.people.seen(lambda m: "will say here how it ended" in visible(m), thread)
    notice, _ = desk.brain.librarian.noticed[-1]
    assert "example.com" not in repr(notice.address)
    await deliver(desk)
    await desk.people.until(lambda: told(desk, thread))
    assert len(told(desk, thread)) == 1


async def test_the_end_of_a_command_is_told_to_its_admin_alone(desk: Joined) -> None:
    """A command's reply is private and its token short-lived: the end comes as a direct message."""
    call = await desk.people.slash("mod", "docs add", url=URL)
    await desk.people.until(lambda: desk.brain.librarian.noticed)
    assert "will say here" in visible(await call.message())
    await deliver(desk)
    direct = desk.discord.world.direct("mod")
    await desk.people.until(lambda: told(desk, direct))
    assert told(desk, "general") == []


async def test_a_thread_is_taught_without_the_bot_and_the_order(desk: Joined) -> None:
    """What people said becomes a document; in a channel it is refused with the remedy."""
    thread = await opened(desk, await desk.people.say("ben", "@bot How do I book the van?"))
    await desk.people.say("ben", "Found it: write it on the board by the gate.", channel=thread)
    await desk.people.say("mod", "@bot add this thread", channel=thread)
    await desk.people.seen(lambda m: "Learned" in visible(m), thread)
    [kept] = [k for k in desk.brain.librarian.kept[desk.discord.workspace].values() if "thread:" in k[0].source]
    text = "\n".join(chunk.text for chunk in kept[1])
    assert "board by the gate" in text
    assert "add this thread" not in text
