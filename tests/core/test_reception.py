"""The worker around the inbox, on the real one: once, in order, alive, taken over, handed over."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from core.errors import KnowledgeDown, UnavailableError
from core.inbox import Arrival, Inbox, Work
from core.reception import DEATHS, TRIES, Held, LeaseLost, Reception
from infra.postgres.inbox import PostgresInbox
from infra.postgres.pool import Database

BEAT = 0.05  # seconds
LEASE = 0.3


@dataclass
class Recorder:
    """A handler that notes what it did; `fails` is how often it raises, `seconds` how long a work takes."""

    seconds: float = 0.0
    fails: int = 0
    error: Exception = field(default_factory=lambda: RuntimeError("broken on purpose"))
    began: list[str] = field(default_factory=list)
    done: list[str] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    holds: list[Held] = field(default_factory=list)
    at_once: int = 0
    most: int = 0

    async def handle(self, held: Held) -> str:
        """Take a while, fail so often, then be done."""
        key = held.work.arrival.event_key
        self.began.append(key)
        self.holds.append(held)
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        try:
            await asyncio.sleep(self.seconds)
            if len([b for b in self.began if b == key]) <= self.fails:
                raise self.error
            await held.own()
            self.done.append(key)
        finally:
            self.at_once -= 1
        return "done"

    async def give_up(self, held: Held) -> None:
        """Tell."""
        self.told.append(held.work.arrival.event_key)


def arrival(event: str, conversation: str = "C1", workspace: str = "slack/T1") -> Arrival:
    """Return a delivery."""
    return Arrival(workspace=workspace, event_key=event, conversation=conversation, payload={"text": event})


@asynccontextmanager
async def desk(inbox: Inbox, recorder: Recorder, platform: str = "slack/T1", **more: float) -> AsyncIterator[Reception]:
    """Run a reception with quick beats."""
    given = {"beat": BEAT, "grace": 5.0, **more}
    async with Reception(inbox, recorder, platform=platform, **given) as reception:  # type: ignore[arg-type]
        yield reception


async def until(right: Callable[[], object], seconds: float = 8.0) -> None:
    """Wait until something holds."""
    end = time.monotonic() + seconds
    while not right():
        assert time.monotonic() < end, "never"
        await asyncio.sleep(0.005)


async def test_each_event_is_worked_on_once_however_often_it_comes(database: Database) -> None:
    """Three deliveries of forty events to two replicas are forty works."""
    inbox, recorder = PostgresInbox(database), Recorder()
    async with desk(inbox, recorder) as one, desk(inbox, recorder) as two:
        for _ in range(3):
            won = await asyncio.gather(*(d.accept(arrival(f"e{n}", f"C{n}")) for n in range(20) for d in (one, two)))
            won += await asyncio.gather(*(d.accept(arrival(f"f{n}", f"C{n}")) for n in range(20) for d in (one, two)))
        await until(lambda: len(recorder.done) >= 40)
    assert sorted(recorder.done) == sorted([f"{k}{n}" for k in "ef" for n in range(20)])


async def test_a_conversation_keeps_its_order_and_others_go_on(database: Database) -> None:
    """Within a conversation works follow each other as delivered; another conversation does not wait."""
    recorder = Recorder(seconds=0.01)
    async with desk(PostgresInbox(database), recorder) as reception:
        accepted = [reception.accept(arrival(f"o{n}", f"order{n % 2}")) for n in range(20)]
        assert all(await asyncio.gather(*accepted))
        await until(lambda: len(recorder.done) == 20)
    for c in (0, 1):
        assert [k for k in recorder.began if int(k[1:]) % 2 == c] == [f"o{n}" for n in range(c, 20, 2)]
    assert recorder.most == 2


async def test_a_conversation_keeps_its_order_across_processes(database: Database) -> None:
    """Each delivery comes to the other of two processes; the slow first is ended before the second begins."""
    inbox, recorder = PostgresInbox(database), Recorder(seconds=0.05)
    async with desk(inbox, recorder) as one, desk(inbox, recorder) as two:
        for n in range(8):
            assert await (one, two)[n % 2].accept(arrival(f"p{n}", "across"))
        await until(lambda: len(recorder.done) == 8)
    assert recorder.began == recorder.done == [f"p{n}" for n in range(8)]
    assert recorder.most == 1


async def test_what_a_dead_process_had_is_done_before_what_came_later(database: Database) -> None:
    """The later work waits for the earlier one to be taken over, also by its own process, which then is not stuck."""
    inbox, recorder = PostgresInbox(database, lease=LEASE), Recorder()
    assert await inbox.accept(arrival("dead", "left"))  # by a process that is never heard of again
    async with desk(inbox, recorder) as reception:
        assert await reception.accept(arrival("later", "left"))
        await until(lambda: len(recorder.done) == 2)
    assert recorder.done == ["dead", "later"]


async def test_what_waits_for_a_service_holds_nobody_up(database: Database) -> None:
    """A work that was put off rests; the next of its conversation goes on."""
    inbox, recorder = PostgresInbox(database), Recorder()
    first = await inbox.accept(arrival("rests", "resting"))
    assert first
    await inbox.defer(first, 60)
    async with desk(inbox, recorder) as reception:
        assert await reception.accept(arrival("goes on", "resting"))
        await until(lambda: recorder.done == ["goes on"])


async def test_nobody_waits_for_ever(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """An earlier work that never ends holds the next one up for a while only."""
    monkeypatch.setattr("core.reception.ORDER", 0.3)
    inbox, recorder = PostgresInbox(database), Recorder()
    assert await inbox.accept(arrival("endless", "long"))
    async with desk(inbox, recorder) as reception:
        assert await reception.accept(arrival("next", "long"))
        await asyncio.sleep(0.15)
        assert not recorder.began
        await until(lambda: recorder.done == ["next"])


async def test_a_refused_duplicate_does_not_open_the_queue(database: Database) -> None:
    """A repeated delivery between two works lets no one overtake."""
    recorder = Recorder(seconds=0.05)
    async with desk(PostgresInbox(database), recorder) as reception:
        events = ["d1", "d1", "d2", "d1", "d3"]
        won = await asyncio.gather(*(reception.accept(arrival(e, "same")) for e in events))
        await until(lambda: len(recorder.done) == 3)
    assert won.count(True) == 3
    assert recorder.began == ["d1", "d2", "d3"]
    assert recorder.most == 1


async def test_a_broken_work_is_tried_again_then_told_once(database: Database) -> None:
    """A failure is tried again after a beat; after the last try the asker is told, and it ends."""
    inbox, mended, broken = PostgresInbox(database), Recorder(fails=1), Recorder(fails=99)
    async with desk(inbox, mended) as reception:
        await reception.accept(arrival("mends"))
        await until(lambda: mended.done == ["mends"])
    async with desk(inbox, broken) as reception:
        await reception.accept(arrival("breaks"))
        await until(lambda: broken.told == ["breaks"])
        await asyncio.sleep(4 * BEAT)
    assert broken.began == ["breaks"] * TRIES
    assert mended.told == []
    assert not await inbox.accept(arrival("breaks"))


async def test_while_a_service_is_down_a_work_waits(database: Database) -> None:
    """An outage is outlived: more tries than for a fault of our own, a lease apart, and then it is done."""
    inbox = PostgresInbox(database, lease=0.1)
    recorder = Recorder(fails=TRIES + 2, error=UnavailableError("down on purpose"))
    async with desk(inbox, recorder, "slack/T9", beat=0.03) as reception:
        await reception.accept(arrival("outage", workspace="slack/T9"))
        await until(lambda: recorder.done == ["outage"])
    assert recorder.told == []


async def test_a_dead_process_s_work_is_taken_over(database: Database) -> None:
    """Without signs of life the lease runs out, and another process does the work, knowing that it is not the first."""
    inbox, recorder = PostgresInbox(database, lease=LEASE), Recorder()
    work = await inbox.accept(arrival("orphan", workspace="slack/T2"))
    assert work
    assert await inbox.hold(work, "C1/9.9")
    async with desk(inbox, recorder, "slack/T2"):
        await until(lambda: recorder.done == ["orphan"])
    assert (recorder.holds[0].again, recorder.holds[0].placeholder) == (True, "C1/9.9")


async def test_signs_of_life_keep_long_work(database: Database) -> None:
    """A work longer than its lease is not taken over while its process lives."""
    inbox, slow, other = PostgresInbox(database, lease=LEASE), Recorder(seconds=4 * LEASE), Recorder()
    async with desk(inbox, slow, "slack/T3") as reception, desk(inbox, other, "slack/T3"):
        await reception.accept(arrival("long", workspace="slack/T3"))
        await until(lambda: slow.done == ["long"])
    assert other.began == []


async def test_who_lost_the_lease_is_stopped_and_says_nothing(database: Database) -> None:
    """A process that was frozen finds its work taken and is cancelled; the other one finishes."""
    inbox, frozen, other = PostgresInbox(database, lease=LEASE), Recorder(seconds=1.2), Recorder()
    async with desk(inbox, frozen, "slack/T4", beat=0.7) as reception:
        await reception.accept(arrival("frozen", workspace="slack/T4"))
        async with desk(inbox, other, "slack/T4"):
            await until(lambda: other.done == ["frozen"])
        await until(lambda: reception.busy == 0)
    assert frozen.done == []
    with pytest.raises(LeaseLost):
        await frozen.holds[0].own()


async def test_a_stop_finishes_what_is_begun_and_hands_over_the_rest(database: Database) -> None:
    """What runs gets its grace; what waits goes to another process at once; nothing new is accepted."""
    inbox, stopping, other = PostgresInbox(database), Recorder(seconds=0.3), Recorder()
    async with desk(inbox, stopping, "slack/T5") as reception:
        for n in range(3):
            await reception.accept(arrival(f"s{n}", "one", "slack/T5"))
        await until(lambda: stopping.began == ["s0"])
    assert stopping.done == ["s0"]
    with pytest.raises(KnowledgeDown):
        await reception.accept(arrival("late", workspace="slack/T5"))
    async with desk(inbox, other, "slack/T5"):
        await until(lambda: sorted(other.done) == ["s1", "s2"])


async def test_a_work_beyond_its_grace_is_handed_over(database: Database) -> None:
    """A stop does not wait for ever; who takes over does it again."""
    inbox, stuck, other = PostgresInbox(database), Recorder(seconds=60), Recorder()
    async with desk(inbox, stuck, "slack/T6", grace=0.1) as reception:
        await reception.accept(arrival("stuck", workspace="slack/T6"))
        await until(lambda: stuck.began)
    async with desk(inbox, other, "slack/T6"):
        await until(lambda: other.done == ["stuck"])


async def test_what_kills_processes_is_given_up(database: Database) -> None:
    """A work taken over more often than restarts explain is told to the asker, not tried again."""
    inbox, recorder = PostgresInbox(database, lease=0.01), Recorder()
    await inbox.accept(arrival("poison", workspace="slack/T7"))
    for _ in range(DEATHS - 1):
        await asyncio.sleep(0.02)
        assert await inbox.reap("slack/T7", 5)
    await asyncio.sleep(0.02)
    async with desk(PostgresInbox(database), recorder, "slack/T7"):
        await until(lambda: recorder.told == ["poison"])
    assert recorder.began == []


async def test_only_so_many_run_at_once(database: Database) -> None:
    """A herd is accepted whole and worked off by a few."""
    recorder = Recorder(seconds=0.02)
    inbox = PostgresInbox(database)
    async with Reception(inbox, recorder, platform="slack/T8", beat=BEAT, at_once=4) as reception:
        for n in range(30):
            await reception.accept(arrival(f"h{n}", f"C{n}", "slack/T8"))
        await until(lambda: len(recorder.done) == 30)
    assert recorder.most == 4


async def test_a_flood_in_one_channel_does_not_hold_another_up(database: Database) -> None:
    """Two hundred works of one channel are in hand; whoever asks elsewhere begins before most of them."""
    recorder, inbox = Recorder(seconds=0.02), PostgresInbox(database)
    async with Reception(inbox, recorder, platform="slack/T10", beat=BEAT, at_once=4) as reception:
        for n in range(100):
            flood = Arrival(
                workspace="slack/T10", event_key=f"f{n}", conversation=f"slack/T10/LOUD/{n}", payload={"from": "loud"}
            )
            await reception.accept(flood)
        begun = len(recorder.began)
        for n in range(3):
            quiet = Arrival(
                workspace="slack/T10", event_key=f"q{n}", conversation=f"slack/T10/QUIET/{n}", payload={"from": "q"}
            )
            await reception.accept(quiet)
        await until(lambda: {"q0", "q1", "q2"} <= set(recorder.began))
        assert begun < 97, "the flood was over before anyone else asked"
        assert len(recorder.began) - begun < 30
        await until(lambda: len(recorder.done) == 103)


class SlowSigns(PostgresInbox):
    """An inbox on which a sign of life takes a moment; it counts them."""

    begun = 0

    async def hold(self, work: Work, placeholder: str = "") -> bool:
        """Hold, slowly."""
        self.begun += 1
        await asyncio.sleep(0.02)
        return await super().hold(work, placeholder)


@dataclass
class Owner(Recorder):
    """A handler that counts the signs that begin while the quiet work makes sure that it is still its own."""

    between: int = -1

    async def handle(self, held: Held) -> str:
        """Own the quiet work at once, and the others for long."""
        if held.work.arrival.event_key == "quiet":
            before = held.inbox._inbox.begun  # type: ignore[attr-defined]
            await held.own()
            self.between = held.inbox._inbox.begun - before  # type: ignore[attr-defined]
            return "done"
        await asyncio.sleep(1.0)
        return "done"


async def test_signs_of_life_of_what_waits_do_not_stand_before_what_answers(database: Database) -> None:
    """With eighty works that wait, one that is about to be shown waits for a few of their signs, not for all."""
    owner = Owner()
    async with Reception(
        SlowSigns(database), owner, platform="slack/T11", beat=BEAT, at_once=8, grace=0.1
    ) as reception:
        for n in range(80):
            await reception.accept(arrival(f"loud{n}", f"slack/T11/LOUD/{n}", "slack/T11"))
        await asyncio.sleep(3 * BEAT)  # all of them give a sign
        await reception.accept(arrival("quiet", "slack/T11/QUIET/1", "slack/T11"))
        await until(lambda: owner.between >= 0)
        assert owner.between <= 10
