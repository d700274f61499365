"""What the bot adds to the model's own time: first token and whole answer, asked through it and asked directly.

A model that keeps time (0.4 s, then 50 tokens a second) in a process of its own; 100,000 chunks with their vectors, the
questions' vectors at hand, so that embedding is not counted; real Postgres and Redis; every question is another one.
The bot and the bare server are asked in turns by as many callers at once. Then the embedded model: how soon it begins
when the passages stand as they stood before, and when they are shuffled.
"""

import asyncio
import gc
import json
import random
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from contextvars import ContextVar
from dataclasses import replace
from itertools import count
from pathlib import Path

import aiohttp

from core import prompt
from core.audience import Audience
from core.author import TOKENS
from core.bot import Bot
from core.grounding import SERVED
from core.messages import Arm, Done, Outcome, Passage, Question
from infra.embedded import Wanted, join
from infra.knowledge.engine import KnowledgeEngine
from infra.memory import Conversations
from infra.models.endpoint import Budgets
from infra.models.tgi import TgiSpeaker
from infra.postgres.journal import Journal
from infra.postgres.pool import Database
from infra.postgres.turns import PostgresTurns
from infra.postgres.voices import PostgresVoices
from infra.redis.answers import RedisAnswers
from infra.redis.leases import RedisLeases
from infra.redis.store import RedisStore
from infra.redis.turns import RedisTurns
from tests.benchmarks.ground import LARGE, SHARES, Ground, Precomputed
from tests.benchmarks.session import Session, command
from tests.benchmarks.table import Row
from tests.fakes.paced import serving

ASKED = {8: 60.0, 32: 150.0}  # callers at once, and ms that the bot may add to the first token at 95 %
TOTAL = 1.05
PREFIX = 0.5
EACH = 4  # questions of a caller in a round
ROUNDS = 5  # with two, a 95th percentile is the third worst of 64
TURNS = 8  # prompts to the embedded model
PATIENT = Budgets(first_token=120, between_tokens=120, total=240)

Took = tuple[float, float]  # seconds to the first token, and to the end
Ask = Callable[[int], Awaitable[Took]]


_asked: ContextVar[str] = ContextVar("asked")  # by whoever this task answers


class Same(Precomputed):
    """Questions have the vectors given; whatever else is embedded on the way to an answer has its question's."""

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """Return vectors; the gate then sees passages that could not be closer."""
        return await Precomputed.embed(self, [_asked.get() if text not in self.vectors else text for text in texts])


async def bench(session: Session) -> list[Row]:
    """Return ms added and the ratio of totals, for 8 and 32 callers; then the prefix."""
    ground = await session.ground()
    vectors, texts = ground.corpus.questions(ground.corpus.chunks)
    numbers = count()
    rows: list[Row] = []
    embedder = Same(dict(zip(texts, vectors.tolist(), strict=True)))
    gc.freeze()  # the benchmark's own 38 million numbers: no bot would look through them at each collection
    async with serving() as url, _open(ground, url, embedder) as bot:

        async def ours(_: int) -> Took:
            return await _through(bot, texts[next(numbers)])

        async def bare(_: int) -> Took:
            return await _directly(url, texts[next(numbers)])

        for callers, most in ASKED.items():
            rows += await _added(ours, bare, callers, most, session.times(ROUNDS))
    gc.unfreeze()
    return [*rows, *await _prefix(session)]


@asynccontextmanager
async def _open(ground: Ground, url: str, embedder: Same) -> AsyncIterator[Bot]:
    with tempfile.TemporaryDirectory() as home:
        async with (
            join(Path(home), Wanted(redis=True)) as ends,
            RedisStore(ends.redis_url or "") as store,
            Database(ground.urls.application) as database,
        ):
            speaker = TgiSpeaker([url], concurrency=max(ASKED))
            await speaker.introduce()
            yield Bot(
                knowledge=KnowledgeEngine(database, embedder),
                librarian=None,  # type: ignore[arg-type]  # nothing is learned
                embedder=embedder,
                memory=Conversations(PostgresTurns(database), RedisTurns(store)),
                cache=RedisAnswers(store),
                journal=Journal(database),
                voices=PostgresVoices(database),
                guard=SERVED,
                speaker=speaker,
                voiced=True,
                leases=RedisLeases(store),
            )


async def _through(bot: Bot, text: str) -> Took:
    """Ask the bot; its own watch tells when the model's first token reached it."""
    question = Question(text=text, workspace=LARGE, audience=Audience(frozenset(SHARES)), conversation=text, user="u")
    _asked.set(text)
    began = time.perf_counter()
    async with aclosing(bot.answer(question)) as events:
        [answer] = [event.answer async for event in events if isinstance(event, Done)]
    assert answer.outcome is Outcome.ANSWERED, (answer.outcome, answer.notes, answer.text)
    assert answer.timings.first_token is not None
    return answer.timings.first_token, time.perf_counter() - began


async def _directly(url: str, text: str) -> Took:
    """Ask the server with nothing in between; the question is as long as a passage, so the answer is as long, too."""
    request = prompt.write(Arm.RAG, text, [_passage(text)])
    messages = [{"role": one.role, "content": one.content} for one in request.messages]
    body = {"model": "paced", "messages": messages, "max_tokens": TOKENS, "stream": True}
    began, first = time.perf_counter(), 0.0
    async with aiohttp.ClientSession() as client, client.post(f"{url}/v1/chat/completions", json=body) as response:
        async for line in response.content:
            if line.startswith(b"data: {") and not first:
                assert json.loads(line[6:])["choices"][0]["delta"]["content"]
                first = time.perf_counter() - began
    return first, time.perf_counter() - began


def _passage(text: str) -> Passage:
    words = f"{text} " * 8
    return Passage(chunk="c", document="d", title="T", url="", text=words, score=1.0, cosine=1.0)


async def _added(ours: Ask, bare: Ask, callers: int, most: float, rounds: int) -> list[Row]:
    took: dict[Ask, list[Took]] = {ours: [], bare: []}
    for turn in range(rounds + 1):
        for ask in (ours, bare) if turn % 2 else (bare, ours):
            found = await _round(ask, callers)
            took[ask] += found if turn else []  # the first round only warms up
    first = {ask: _at_95([seconds for seconds, _ in found]) for ask, found in took.items()}
    total = {ask: statistics.median(seconds for _, seconds in found) for ask, found in took.items()}
    where = f"{callers} callers"
    return [
        Row(
            bench="overhead",
            what=f"first token, p95, over the model server's, {where}",
            value=1000 * (first[ours] - first[bare]),
            unit="ms",
            most=most,
        ),
        Row(
            bench="overhead",
            what=f"whole answer, {where}",
            value=total[ours],
            unit="s",
            peer="model server alone",
            theirs=total[bare],
            most=TOTAL,
        ),
    ]


async def _round(ask: Ask, callers: int) -> list[Took]:
    """Let callers ask one question after another; they do not begin at the same moment, as people do not."""

    async def call(place: int) -> list[Took]:
        await asyncio.sleep(place / callers)
        return [await ask(place) for _ in range(EACH)]

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(call(place)) for place in range(callers)]
    return [took for task in tasks for took in task.result()]


def _at_95(values: Sequence[float]) -> float:
    return sorted(values)[min(len(values) - 1, round(0.95 * len(values)))]


async def _prefix(session: Session) -> list[Row]:
    """Return seconds to the embedded model's first token, with passages as before and shuffled."""
    with tempfile.TemporaryDirectory() as home:
        async with join(Path(home), Wanted(model=True)) as ends:
            if not ends.model_url:
                return []
            speaker = TgiSpeaker([ends.model_url], model=ends.model_name, token=ends.model_token, budgets=PATIENT)
            turns = session.times(TURNS)
            stable = [await _first_token(speaker, _told(), number) for number in range(turns + 1)]
            shuffled = [await _first_token(speaker, _told(shuffle=n), n) for n in range(1, turns + 1)]
    return [
        Row(
            bench="overhead",
            what="embedded model's first token, passages as before",
            value=statistics.median(stable[1:]),
            unit="s",
            peer="passages shuffled",
            theirs=statistics.median(shuffled),
            most=PREFIX,
        )
    ]


def _told(shuffle: int = 0) -> list[Passage]:
    texts = [
        *("Refunds take five working days after the tent has come back to the shop and was looked at.",),
        *("Stoves are hired out by the week at the desk, with a full gas bottle and a pair of gloves.",),
        *("A torn seam is mended within ten days; poles are replaced while you wait, when we have them.",),
    ]
    if shuffle:
        random.Random(shuffle).shuffle(texts)
    return [replace(_passage(text), text=f"{text} {text} {text}", title=text.split()[0]) for text in texts]


async def _first_token(speaker: TgiSpeaker, passages: Sequence[Passage], number: int) -> float:
    request = prompt.write(Arm.RAG, f"What should customer number {number} know?", passages)
    began = time.perf_counter()
    async with speaker.speak(request, max_tokens=8):
        return time.perf_counter() - began


if __name__ == "__main__":
    command(bench)
