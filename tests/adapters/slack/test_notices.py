"""Documents that take longer, in Slack: left to a worker, and their end told once where they were given."""

import asyncio
import json

import pytest

from tests.adapters.slack.conftest import TEAM, Joined, Joining
from tests.adapters.slack.test_commands import plain, said
from tests.fakes.brain import brain, to_arrival
from tests.fakes.slack.world import BOT, Message, visible

pytestmark = pytest.mark.slow

WEB = {"https://example.com/hours": "# Opening hours\n\nThe workshop opens at 8:15 on weekdays."}
ADD = "@vocero add https://example.com/hours"


@pytest.fixture
async def desk(join: Joining):
    """A bot of the test's own, with a worker beside it."""
    mind = brain(web=WEB)
    mind.librarian.worker = True
    async with join(mind=mind, lease=1.0) as running:
        yield running


async def deliver(desk: Joined) -> None:
    """Let what was noticed end: the delivery is there, and no process has begun it."""
    notice, ended = desk.brain.librarian.noticed[-1]
    work = await desk.chat.inbox.accept(to_arrival(TEAM, notice, ended))
    assert work
    await desk.chat.inbox.release(work)


async def state_of(desk: Joined, event_key: str) -> str:
    async with desk.chat.inbox._database.reading(TEAM) as connection:
        cursor = await connection.execute("select state from vocero.inbox where event_key = %s", (event_key,))
        return str((await cursor.fetchone() or ("",))[0])


def told(desk: Joined, channel: str) -> list[Message]:
    return [m for m in desk.slack.world.history(channel) if m.user == BOT and "Learned Opening hours" in plain(m)]


async def test_an_address_is_left_to_a_worker_and_its_end_is_told_in_the_thread(desk: Joined) -> None:
    """The first reply says so, the second one the end; and no word of the order was kept for it."""
    asked = await desk.slack.say(ADD)
    first = await desk.slack.reply(asked)
    await desk.slack.settled(lambda: "will say here how it ended" in plain(first))
    notice, _ = desk.brain.librarian.noticed[-1]
    assert "example.com" not in json.dumps(dict(notice.address))
    await deliver(desk)
    await desk.slack.settled(lambda: told(desk, "C0GENERAL"))
    [end] = told(desk, "C0GENERAL")
    assert end.thread_ts == asked.ts


async def test_what_is_quick_is_learned_at_once(desk: Joined) -> None:
    """A pasted text and a small file need no worker; many files do."""
    assert "Learned" in await said(desk, '@vocero add title "Parking": Parking is free.')
    files = [desk.slack.file(f"{n}.md", f"# Page {n}\n\nA fact.".encode()) for n in range(4)]
    assert "Learned" in await said(desk, "@vocero add", files=files[:1])
    shown = await said(desk, "@vocero add", files=files)
    assert shown.count("will say here how it ended") == 4
    assert len(desk.brain.librarian.noticed) == 1


async def test_a_notice_is_told_once_though_its_process_died_after_posting(desk: Joined) -> None:
    """The successor finds what was posted and says nothing more."""
    await said(desk, ADD)
    await deliver(desk)
    await desk.slack.settled(lambda: told(desk, "C0GENERAL"))
    statement = "update vocero.inbox set state = 'doing', payload = %s::jsonb, lease = now() - interval '1 s'"
    notice, ended = desk.brain.librarian.noticed[-1]
    arrival = to_arrival(TEAM, notice, ended)
    async with desk.chat.inbox._database.writing(TEAM) as connection:
        await connection.execute(
            statement + " where event_key = %s", (json.dumps(dict(arrival.payload)), arrival.event_key)
        )
    async with asyncio.timeout(10):
        while await state_of(desk, arrival.event_key) != "done":  # noqa: ASYNC110 - the database sets no events
            await asyncio.sleep(0.05)
    assert len(told(desk, "C0GENERAL")) == 1


async def test_the_end_of_a_command_only_its_admin_saw_is_told_to_them_alone(desk: Joined) -> None:
    """A slash command's reply cannot be added to later: its end comes as a direct message."""
    await desk.slack.command("add https://example.com/hours")
    await desk.slack.settled(lambda: desk.slack.ephemeral("ana"))
    assert "will say here" in visible(desk.slack.ephemeral("ana")[-1])
    await deliver(desk)
    await desk.slack.settled(lambda: told(desk, "D0ANA"))
    assert told(desk, "C0GENERAL") == []


async def test_a_channel_that_can_no_longer_be_written_to_is_no_reason_for_silence(desk: Joined) -> None:
    """The admin then hears it directly."""
    await said(desk, ADD)
    desk.slack.web.fail["chat.postMessage"] = ["is_archived"]
    await deliver(desk)
    await desk.slack.settled(lambda: told(desk, "D0ANA"))


async def test_a_thread_is_taught_with_its_names_and_without_the_bot(desk: Joined) -> None:
    """Who said what becomes a document of its own; outside of a thread it is refused with the remedy."""
    root = await desk.slack.say("How do I book the van?", user="ben")
    await desk.slack.say("Write it on the board by the gate.", user="ana", thread=root.ts)
    assert "Learned How do I book the van?" in await said(desk, "@vocero add this thread", thread=root.ts)
    [(document, chunks)] = [
        kept for kept in desk.brain.librarian.kept[TEAM].values() if kept[0].source.startswith("thread:")
    ]
    text = "\n".join(chunk.text for chunk in chunks)
    assert "**ben**" in text
    assert "board by the gate" in text
    assert "add this thread" not in text
    assert document.scope == "workspace"
    assert "no thread here" in await said(desk, "@vocero add this thread")
    assert "Only admins" in await said(desk, "@vocero add this thread", thread=root.ts, user="ben")


async def test_where_documents_go_is_said_by_chat(desk: Joined) -> None:
    """For everyone's, for one channel's; by admins only."""
    assert "Documents for workspace go to handbook" in await said(desk, "@vocero default collection handbook")
    shown = await said(desk, "@vocero default collection staff for <#C0PEOPLE|people>")
    assert "channel:C0PEOPLE go to staff" in shown
    assert desk.brain.librarian.preferred == {"workspace": "handbook", "channel:C0PEOPLE": "staff"}
    assert "Only admins" in await said(desk, "@vocero default collection mine", user="ben")
