"""Single flight between processes, on a real Redis: two `Flights` that share nothing else stand for two processes."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing

import pytest

from core.flight import Flights
from core.messages import Answer, Done, Event, Outcome, Piece
from core.wire import to_json
from infra.embedded import Wanted, join
from infra.redis.answers import RedisAnswers
from infra.redis.leases import RedisLeases
from infra.redis.store import RedisStore, to_key

W = "slack/T1"


@pytest.fixture(scope="module")
async def store(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RedisStore]:
    """Return a client of a real Redis."""
    async with join(tmp_path_factory.mktemp("redis"), Wanted(redis=True)) as endpoints:
        assert endpoints.redis_url
        async with RedisStore(endpoints.redis_url) as opened:
            yield opened


class Generation:
    """A generation that counts its runs and waits to be let go."""

    def __init__(self) -> None:
        self.runs = 0
        self.go = asyncio.Event()

    async def write(self) -> AsyncGenerator[Event]:
        """Yield a piece, wait, yield the end."""
        self.runs += 1
        run = self.runs
        yield Piece("first")
        await self.go.wait()
        yield Done(Answer(text=f"run {run}", outcome=Outcome.ANSWERED, notes=("degraded",)))


async def ask(flights: Flights, generation: Generation, key: str, *, shared: bool = True) -> list[Event]:
    """Return all events of one asker."""
    async with aclosing(flights.join(key, generation.write, workspace=W, shared=shared)) as events:
        return [event async for event in events]


async def test_processes_share_one_generation_even_of_an_answer_that_is_not_kept(store: RedisStore) -> None:
    """200 askers in two processes: one leads, all get its answer, and nothing is left to lead."""
    processes, generation = [Flights(RedisLeases(store)) for _ in range(2)], Generation()
    askers = [asyncio.create_task(ask(processes[n % 2], generation, "one")) for n in range(200)]
    await asyncio.sleep(0.2)
    generation.go.set()
    seen = await asyncio.gather(*askers)
    assert generation.runs == 1
    assert sorted(len(events) for events in seen) == [1] * 199 + [2]
    assert {e.answer.text for events in seen for e in events if isinstance(e, Done)} == {"run 1"}
    assert await store.insist(lambda r: r.exists(to_key(W, "flight", "one"))) == 0


async def test_when_the_leader_leaves_the_other_process_leads_at_once(store: RedisStore) -> None:
    """A cancelled leader gives its lease up; nobody waits for it to run out."""
    here, there, generation = Flights(RedisLeases(store)), Flights(RedisLeases(store)), Generation()
    leader = asyncio.create_task(ask(here, generation, "leaves"))
    await asyncio.sleep(0.1)
    follower = asyncio.create_task(ask(there, generation, "leaves"))
    await asyncio.sleep(0.1)
    leader.cancel()
    await asyncio.gather(leader, return_exceptions=True)
    async with asyncio.timeout(1.0):
        while generation.runs < 2:  # noqa: ASYNC110 - no event tells
            await asyncio.sleep(0.01)
    generation.go.set()
    assert isinstance((await follower)[-1], Done)


async def test_a_leader_that_died_is_noticed(store: RedisStore) -> None:
    """A lease that nobody keeps alive runs out, and the follower leads."""
    await store.insist(lambda r: r.set(to_key(W, "flight", "dead"), "gone", px=300))
    generation = Generation()
    generation.go.set()
    events = await ask(Flights(RedisLeases(store)), generation, "dead")
    assert generation.runs == 1
    assert isinstance(events[-1], Done)


async def test_who_lost_the_lease_lands_nothing(store: RedisStore) -> None:
    """A process that was frozen neither ends the new leader's flight nor hands out its own answer."""
    leases, lost = RedisLeases(store), Answer(text="late", outcome=Outcome.ANSWERED)
    assert await leases.take(W, "frozen", "new") == "new"
    await leases.hold(W, "frozen", "old")
    await leases.land(W, "frozen", "old", lost)
    assert await leases.take(W, "frozen", "third") == "new"
    await leases.land(W, "frozen", "new", None)
    assert await leases.take(W, "frozen", "third") == "third"


async def test_a_question_of_its_own_asks_nobody(store: RedisStore) -> None:
    """What is asked without the cache leads in any case."""
    await store.insist(lambda r: r.set(to_key(W, "flight", "own"), "other", px=60_000))
    generation = Generation()
    generation.go.set()
    assert len(await ask(Flights(RedisLeases(store)), generation, "own", shared=False)) == 2


async def test_without_redis_every_process_answers_once() -> None:
    """Nobody can know who leads, so both do; within each, equal questions still share."""
    generation = Generation()
    async with RedisStore("redis://127.0.0.1:1/0") as dead:
        processes = [Flights(RedisLeases(dead)) for _ in range(2)]
        askers = [asyncio.create_task(ask(processes[n % 2], generation, "k")) for n in range(100)]
        async with asyncio.timeout(10):
            while generation.runs < 2:  # noqa: ASYNC110 - no event tells
                await asyncio.sleep(0.01)
        generation.go.set()
        seen = await asyncio.gather(*askers)
    assert generation.runs == 2
    assert all(isinstance(events[-1], Done) for events in seen)


async def test_redis_dies_while_another_process_leads() -> None:
    """The follower leads itself instead of waiting for what it can no longer hear of."""
    generation = Generation()
    generation.go.set()
    async with RedisStore("redis://127.0.0.1:1/0") as dead:
        leases = RedisLeases(dead)
        assert await leases.landed(W, "k", "leader") is None
        assert await leases.take(W, "k", "mine") == "mine"


async def test_what_waits_for_followers_is_purged_with_the_cache(store: RedisStore) -> None:
    """Forgetting a document leaves no answer behind, not even for seconds."""
    body = json.dumps(to_json(Answer(text="secret", outcome=Outcome.ANSWERED)))
    await store.insist(lambda r: r.set(to_key(W, "landed", "k"), f"token {body}", px=10_000))
    await RedisAnswers(store).purge(W, "d1")
    assert await store.insist(lambda r: r.exists(to_key(W, "landed", "k"))) == 0
