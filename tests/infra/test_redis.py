"""Answers on a real Redis, and what happens when it is not there."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from bots.wiring import Ends, redis_health
from core import budgets
from core.errors import UnavailableError
from core.messages import Answer, Citation, Outcome, Question
from infra.embedded import Wanted, join
from infra.redis.answers import NoAnswers, RedisAnswers
from infra.redis.questions import RedisQuestions
from infra.redis.store import FAILURES, RedisStore
from infra.redis.turns import RedisTurns


@pytest.fixture(scope="module")
async def url(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """Return the address of a real Redis."""
    async with join(tmp_path_factory.mktemp("redis"), Wanted(redis=True)) as endpoints:
        assert endpoints.redis_url
        yield endpoints.redis_url


@pytest.fixture
async def store(url: str) -> AsyncIterator[RedisStore]:
    """Return a client of it."""
    async with RedisStore(url) as opened:
        yield opened


def question(text: str = "How long?", **more: object) -> Question:
    """Return a question of a conversation in slack/T1."""
    base = Question(text=text, workspace="slack/T1", user="slack/T1/U1", conversation="slack/T1/C1/1")
    return replace(base, **more)  # type: ignore[arg-type]


def answer(text: str = "14 days. [1]", document: str = "d1") -> Answer:
    """Return an answer that cites one document."""
    cited = Citation(n=1, title="Refunds", url="", document=document, chunk=f"{document}.1#0", text="14 days.")
    return Answer(text=text, outcome=Outcome.EXTRACTIVE, citations=(cited,))


async def test_an_answer_comes_back_as_it_was_kept(store: RedisStore) -> None:
    """Every field survives, for its seconds, in its workspace."""
    answers, kept = RedisAnswers(store), answer("¡Sí! “14” días 🏕 [1]")
    await answers.keep("slack/T1", "k1", kept, seconds=0.3)
    assert await answers.find("slack/T1", "k1") == kept
    assert await answers.find("slack/T2", "k1") is None
    await asyncio.sleep(0.4)
    assert await answers.find("slack/T1", "k1") is None


async def test_purging_a_document_takes_what_cites_or_names_it(store: RedisStore) -> None:
    """Answers that cite it and abstentions that name it as nearest go; the others stay."""
    answers = RedisAnswers(store)
    near = replace(answer(), outcome=Outcome.ABSTAINED, citations=(), nearest=answer(document="gone").citations)
    await answers.keep("slack/T1", "cites", answer(document="gone"), seconds=60)
    await answers.keep("slack/T1", "near", near, seconds=60)
    await answers.keep("slack/T1", "other", answer(document="stays"), seconds=60)
    await answers.keep("slack/T2", "theirs", answer(document="gone"), seconds=60)
    assert await answers.purge("slack/T1", "gone") == 2
    assert await answers.find("slack/T1", "other") is not None
    assert await answers.find("slack/T2", "theirs") is not None


async def test_questions_are_found_by_their_vectors_where_they_were_asked(store: RedisStore) -> None:
    """The nearest comes first, a text counts once by its last key, another place or workspace has none, all can go."""
    questions, east, north = RedisQuestions(store), [1.0, 0.0], [0.6, 0.8]
    await questions.note("slack/T1", "p", "east?", "k0", east)
    await questions.note("slack/T1", "p", "north?", "k1", north)
    await questions.note("slack/T1", "p", "east?", "k2", east)
    found = await questions.nearest("slack/T1", "p", east)
    assert [(other.asked, other.key) for other in found] == [("east?", "k2"), ("north?", "k1")]
    assert [other.cosine for other in found] == pytest.approx([1.0, 0.6], abs=1e-3)
    assert await questions.nearest("slack/T1", "q", east) == await questions.nearest("slack/T2", "p", east) == []
    await questions.note("slack/T2", "p", "theirs?", "k3", east)
    assert await questions.purge("slack/T1") == 1
    assert await questions.nearest("slack/T1", "p", east) == []
    assert len(await questions.nearest("slack/T2", "p", east)) == 1
    async with RedisStore("redis://127.0.0.1:1/0") as dead:
        lost = RedisQuestions(dead)
        await lost.note("slack/T1", "p", "east?", "k", east)
        assert await lost.nearest("slack/T1", "p", east) == []
        with pytest.raises(UnavailableError):
            await lost.purge("slack/T1")


async def test_what_cannot_be_read_counts_as_absent(store: RedisStore) -> None:
    """A row of another release or a broken one is a miss, not an error."""
    answers = RedisAnswers(store)
    await answers.keep("slack/T1", "old", answer(), seconds=60)
    [key] = [k async for k in _keys(store, "*old")]
    for broken in (b"not json", json.dumps({"answer": "x"}).encode(), b"[]"):
        value = broken
        await store.insist(lambda r, value=value: r.set(key, value))  # type: ignore[misc]
        assert await answers.find("slack/T1", "old") is None
    assert await answers.purge("slack/T1", "unknown") == 1


async def _keys(store: RedisStore, pattern: str) -> AsyncIterator[bytes]:
    for key in await store.insist(lambda r: r.keys(pattern)):
        yield key


async def test_without_redis_everything_but_forgetting_goes_on() -> None:
    """Reading and writing fail open and fast, a dead server is soon left alone; forgetting says that it cannot know."""
    async with RedisStore("redis://127.0.0.1:1/0") as dead:
        turns, answers = RedisTurns(dead), RedisAnswers(dead)
        begun = time.monotonic()
        assert (await turns.read(question())).marks is None
        assert await answers.find("slack/T1", "k") is None
        await answers.keep("slack/T1", "k", answer(), seconds=60)
        for _ in range(100):
            assert not await dead.answers()
        assert time.monotonic() - begun < (FAILURES + 1) * (budgets.REDIS_RETRIES + 1) * (budgets.REDIS + 0.1)
        with pytest.raises(UnavailableError, match="Redis is not answering"):
            await turns.forget("slack/T1", conversation="c")
        with pytest.raises(UnavailableError, match="Redis is not answering"):
            await answers.purge("slack/T1", "d1")


async def test_a_silent_redis_costs_its_budget_and_then_nothing() -> None:
    """A server that accepts and never answers is waited for once, and then left alone for a while."""
    silent = await asyncio.start_server(lambda _r, _w: asyncio.sleep(3600), "127.0.0.1", 0)
    port = silent.sockets[0].getsockname()[1]
    async with silent, RedisStore(f"redis://127.0.0.1:{port}/0") as store:
        begun = time.monotonic()
        for _ in range(1_000):  # what one question asks, many times over
            assert not await store.answers()
        assert time.monotonic() - begun < 2 * budgets.REDIS


async def test_a_redis_that_would_refuse_when_full_is_known_before(store: RedisStore, url: str) -> None:
    """A limit of memory without eviction is a trouble to come: doctor and `status` say what to set."""
    policy = lambda word: store.insist(lambda r: r.config_set("maxmemory-policy", word))  # noqa: E731
    before = (await store.insist(lambda r: r.config_get("maxmemory-policy")))["maxmemory-policy"]
    ends = Ends(database="", redis=url)
    try:
        await store.insist(lambda r: r.config_set("maxmemory", "256mb"))
        await policy("volatile-lru")
        assert await redis_health(ends) == "Redis answers"
        await policy("noeviction")
        with pytest.raises(UnavailableError, match="set its maxmemory-policy to volatile-lru"):
            await redis_health(ends)
    finally:
        await policy(before)


async def test_having_no_redis_at_all_is_a_way_to_live() -> None:
    """Nothing is kept or there to be purged."""
    await NoAnswers().keep("slack/T1", "k", answer(), seconds=1)
    assert await NoAnswers().find("slack/T1", "k") is None
    assert await NoAnswers().purge("slack/T1", "d") == 0


async def test_a_cancellation_that_the_driver_lost_is_not_lost(store: RedisStore) -> None:
    """Until Python 3.12 `asyncio.wait_for` may give its result instead; who asked to stop is stopped all the same."""
    begun = asyncio.Event()

    async def deaf(_: object) -> int:
        begun.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            return 1
        return 2

    task = asyncio.create_task(store.attempt(deaf, 0))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await store.answers()
