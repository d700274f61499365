"""The inbox: accepted once, taken over when a process dies, fenced against one that comes back."""

import asyncio

import pytest

from core.errors import BotError
from core.inbox import Arrival, Work
from infra.postgres.inbox import PostgresInbox
from infra.postgres.pool import Database

SHORT = 0.15  # seconds


def arrival(event: str, workspace: str = "slack/T1") -> Arrival:
    """Return a delivery."""
    return Arrival(
        workspace=workspace, event_key=event, conversation=f"{workspace}/C1", payload={"text": "hi\x00 \U0001f3d5"}
    )


async def accepted(inbox: PostgresInbox, event: str, workspace: str = "slack/T1") -> Work:
    """Return an accepted delivery."""
    work = await inbox.accept(arrival(event, workspace))
    assert work is not None
    return work


async def test_a_thousand_deliveries_of_100_events_have_100_winners(database: Database) -> None:
    """However often and however concurrently an event is delivered, one delivery wins it."""
    inbox = PostgresInbox(database)
    won: list[Work | None] = []
    for batch in range(40):  # the pool sheds more than it can queue; platforms deliver in waves
        events = [f"many-{(batch * 25 + n) % 100}" for n in range(25)]
        won += await asyncio.gather(*(inbox.accept(arrival(e)) for e in events))
    assert sorted(w.arrival.event_key for w in won if w) == sorted(f"many-{n}" for n in range(100))


async def test_of_a_mention_and_its_message_one_is_answered(database: Database) -> None:
    """Two events about one message: the second claim is refused, whichever comes first."""
    inbox = PostgresInbox(database)
    mention, message = await accepted(inbox, "e1"), await accepted(inbox, "e2")
    assert await inbox.claim(mention, "C1/1699.01")
    assert not await inbox.claim(message, "C1/1699.01")
    assert await inbox.settle(message, "ignored")


async def test_a_dead_process_loses_its_work_to_another_and_cannot_write_back(database: Database) -> None:
    """After the lease the reaper takes over with what was noted; the old attempt is fenced from then on."""
    inbox = PostgresInbox(database, lease=SHORT)
    old = await accepted(inbox, "dies", "discord/G1")
    assert await inbox.hold(old, "1699.02")
    assert await inbox.reap("discord/", 10) == []
    await asyncio.sleep(2 * SHORT)
    [new] = await inbox.reap("discord/", 10)
    assert (new.id, new.attempt, new.placeholder) == (old.id, 2, "1699.02")
    assert new.arrival.payload == {"text": "hi \U0001f3d5"}
    assert not await inbox.hold(old)
    assert not await inbox.settle(old)
    assert await inbox.settle(new)
    assert await inbox.accept(arrival("dies", "discord/G1")) is None


async def test_signs_of_life_keep_the_lease(database: Database) -> None:
    """Work that is held on to is not taken over."""
    inbox = PostgresInbox(database, lease=SHORT)
    work = await accepted(inbox, "lives", "discord/G2")
    for _ in range(4):
        await asyncio.sleep(SHORT / 2)
        assert await inbox.hold(work)
        assert await inbox.reap("discord/G2", 10) == []
    assert await inbox.settle(work)


async def test_released_work_is_taken_over_at_once(database: Database) -> None:
    """A process that stops hands its work over without waiting for the lease."""
    inbox = PostgresInbox(database)
    await inbox.release(await accepted(inbox, "handed", "discord/G3"))
    assert [w.arrival.event_key for w in await inbox.reap("discord/G3", 10)] == ["handed"]


async def test_only_one_reaper_takes_over(database: Database) -> None:
    """Many reapers at once share the expired work out, each row to one."""
    inbox = PostgresInbox(database, lease=SHORT)
    for n in range(12):
        await accepted(inbox, f"shared-{n}", "slack/T9")
    await asyncio.sleep(2 * SHORT)
    taken = await asyncio.gather(*(PostgresInbox(database).reap("slack/T9", 5) for _ in range(6)))
    keys = [w.arrival.event_key for works in taken for w in works]
    assert sorted(keys) == sorted({f"shared-{n}" for n in range(12)})


async def test_what_was_asked_does_not_stay_in_the_row(database: Database) -> None:
    """An ended row keeps its keys, to refuse retries, and no text."""
    inbox = PostgresInbox(database)
    work = await accepted(inbox, "private", "slack/T5")
    await inbox.settle(work)
    async with database.reading("slack/T5") as connection:
        rows = await (await connection.execute("select payload, state from vocero.inbox")).fetchall()
    assert rows == [({}, "done")]


@pytest.mark.parametrize("workspace", ["", "a b", "slack/T1\x00"])
async def test_a_workspace_that_cannot_be_is_refused(database: Database, workspace: str) -> None:
    """A name that no workspace can have raises, and nothing is written."""
    with pytest.raises(BotError):
        await PostgresInbox(database).accept(arrival("x", workspace))
