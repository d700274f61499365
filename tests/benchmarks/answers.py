"""The cache of answers: what an exact hit costs, and how often a question in other words finds its answer.

Near-duplicates are asked of `cache-qqp` (pairs that people called duplicates; half of the counterparts are taken away,
so that many questions have no answer to find) and, with the passages found for them, of `claude-docs`: half of its
questions are known, all are asked in other words, and once more with one word changed that makes another question. The
peer is the cosine alone, at the best threshold that it could have had on these very questions; ours stands as shipped.
Wrong: of the answers served, those of a question that nobody called the same. Then audiences and edits, 1,000 of each.
"""

import asyncio
import gzip
import json
import random
import re
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.audience import EVERYONE, Audience, to_audience
from core.bot import Bot
from core.cache import normal
from core.documents import Place, Source
from core.grounding import SERVED
from core.messages import Answer, Done, Outcome, Question
from core.near import Nearby, Other, choose, to_place
from infra.embedded import Wanted, join
from infra.embedded.minilm import MiniLM
from infra.knowledge.engine import KnowledgeEngine
from infra.knowledge.evaluation import learn_all
from infra.knowledge.fetch import fetch
from infra.knowledge.judged import read_judged
from infra.knowledge.librarian import Librarian
from infra.knowledge.parse import Parser
from infra.postgres.migrate import migrate
from infra.postgres.pool import Database
from infra.redis.answers import RedisAnswers
from infra.redis.questions import NEAREST, RedisQuestions
from infra.redis.store import RedisStore, to_key
from tests.benchmarks.race import race
from tests.benchmarks.session import Session, command
from tests.benchmarks.table import Row
from tests.fakes.brain import Recollection, Shelves
from tests.postgres import APPLICATION

BENCH = "answers"
PAIRS = 3_000
FITTED = 4_000  # pairs, of the same shuffling, on which the weights in `core.near` were fitted: not asked here
WRONG = 0.01
ASKED = 1.5  # times the peer's share of hits
EXACT = 10.0  # times a PING and a GET on a socket
TRIALS = 1_000
REWORDINGS: Sequence[Callable[[str], str]] = (
    lambda text: f"Hi! {text} Thanks a lot.",
    lambda text: f"Could you tell me please: {text[0].lower()}{text[1:]}",
    lambda text: (
        text.replace("What is", "What's").replace("How can you", "How do I").replace("How does", "In what way does")
    ),
    lambda text: f"{text.rstrip('?')}, and can you explain it briefly?",
)
# a question with the one in place of the other is another question
INSTEAD: Sequence[tuple[str, str]] = (
    *(("Python", "TypeScript"), ("Haiku", "Opus"), ("Sonnet", "Haiku"), ("Messages API", "Text Completions API")),
    *(("Text Completions API", "Messages API"), ("input", "output"), ("output", "input"), ("request", "response")),
    *(
        ("response", "request"),
        ("multiple", "single"),
        ("improve", "reduce"),
        ("reduce", "increase"),
        ("long", "short"),
    ),
    *(("first", "last"), ("before", "after"), ("with", "without"), ("using", "avoiding"), ("benefit", "drawback")),
    *(("advantage", "disadvantage"), ("AWS", "Azure"), ("Amazon Bedrock", "Vertex AI"), ("create", "delete")),
    *(("two", "three"), ("three", "four"), ("can", "can't"), ("should", "shouldn't"), ("legacy", "current")),
    *(("success", "failure"), ("start", "stop"), ("include", "exclude"), ("add", "remove"), ("new", "old")),
)
CHANGED = 3  # of them are tried on a question, at most

Vectors = NDArray[np.float32]


async def bench(session: Session) -> list[Row]:
    """Return hit rates, what was wrong, and the cost of an exact hit."""
    rows = []
    with tempfile.TemporaryDirectory() as home:
        async with join(Path(home), Wanted(redis=True)) as ends, RedisStore(ends.redis_url or "") as store:
            rows += await _exact(store, ends.redis_url or "", session)
            rows += await _kept_apart(store, session)
    if not (session.data / "cache-qqp").is_dir():
        print(f"near-duplicates are left out: {session.data} holds no cache-qqp; see --data", file=sys.stderr)
        return rows
    return [*rows, *await _questions_alone(session), *await _with_passages(session)]


# What an exact hit costs


async def _exact(store: RedisStore, url: str, session: Session) -> list[Row]:
    answers, answer = RedisAnswers(store), Answer(text="Refunds take five working days. [1]", outcome=Outcome.ANSWERED)
    await answers.keep("bench", "k", answer, seconds=600)
    reader, writer = await _socket(url)
    name = to_key("bench", "answer", "k")

    async def find(_: int) -> object:
        found = await answers.find("bench", "k")
        assert found == answer
        return found

    async def bare(_: int) -> object:
        writer.write(f"PING\r\nGET {name}\r\n".encode())
        assert await reader.readline() == b"+PONG\r\n"
        return await reader.readexactly(int((await reader.readline())[1:]) + 2)

    paces = await race({"ours": find, "bare": bare}, callers=1, rounds=5, each=session.times(1_000))
    writer.close()
    row = Row(
        bench=BENCH,
        what="an exact hit, read and understood, p50",
        value=paces["ours"].p50,
        unit="ms",
        peer="PING and GET on a socket",
        theirs=paces["bare"].p50,
        most=EXACT,
    )
    return [row]


async def _socket(url: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    password, _, rest = url.removeprefix("redis://:").partition("@")
    host, _, port = rest.removesuffix("/0").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(f"AUTH {password}\r\n".encode())
    assert await reader.readline() == b"+OK\r\n"
    return reader, writer


# Questions alone


async def _questions_alone(session: Session) -> list[Row]:
    with gzip.open(session.data / "cache-qqp" / "pairs.jsonl.gz", "rt", encoding="utf-8") as lines:
        pairs = [(row["origin"], row["similar"]) for row in map(json.loads, lines)]
    same = _clusters(pairs)
    random.Random(7).shuffle(pairs)
    pairs = pairs[FITTED:][: session.times(PAIRS)]
    held = list({normal(origin): origin for origin, _ in pairs}.values())[::2]
    exact = {normal(text) for text in held}
    asked = list({normal(similar): similar for _, similar in pairs if normal(similar) not in exact}.values())
    embedder = MiniLM()
    known, wanted = np.array(await embedder.embed(held)), np.array(await embedder.embed(asked))
    tried = _try(asked, wanted @ known.T, held, lambda one, other: same(one) == same(other))
    return _rows(tried, "questions alone")


def _clusters(pairs: Sequence[tuple[str, str]]) -> Callable[[str], str]:
    """Return a function that names the group of questions that pairs join."""
    parents: dict[str, str] = {}

    def top(text: str) -> str:
        while (parent := parents.setdefault(text, text)) != text:
            text = parent
        return text

    for one, other in pairs:
        parents[top(normal(one))] = top(normal(other))
    return lambda text: top(normal(text))


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """What came of asking: `ours` a verdict for each hit; `cosine` each question's nearest with its verdict."""

    asked: int
    ours: list[bool]
    cosine: list[tuple[float, bool]]


def _try(asked: Sequence[str], cosines: Vectors, held: Sequence[str], right: Callable[[str, str], bool]) -> Tried:
    ours, cosine = [], []
    for text, row in zip(asked, cosines, strict=True):
        best = np.argsort(-row)[:NEAREST]
        others = [Other(held[n], str(n), float(row[n])) for n in best]
        if not others:
            continue
        cosine.append((others[0].cosine, right(text, others[0].asked)))
        if (found := choose(text, others)) is not None:
            ours.append(right(text, found.asked))
    return Tried(asked=len(asked), ours=ours, cosine=cosine)


def _rows(tried: Tried, where: str) -> list[Row]:
    best = wrong = 0
    for hits, (_, right) in enumerate(sorted(tried.cosine, reverse=True), 1):
        wrong += not right
        best = hits if wrong <= WRONG * hits else best
    wrongly = len(tried.ours) - sum(tried.ours)
    return [
        Row(
            bench=BENCH,
            what=f"near-duplicates found, {where}",
            value=len(tried.ours) / tried.asked,
            peer="cosine at its best for 1 % wrong",
            theirs=best / tried.asked,
            least=ASKED,
        ),
        Row(bench=BENCH, what=f"of them wrong, {where}", value=wrongly / max(1, len(tried.ours)), most=WRONG),
    ]


# With the passages found


async def _with_passages(session: Session) -> list[Row]:
    if not (session.data / "claude-docs").is_dir():
        return []
    urls = session.server.database()
    await migrate(urls.admin, APPLICATION)
    judged, embedder = read_judged(session.data / "claude-docs"), MiniLM()
    async with Database(urls.application) as database, Parser() as parser:
        await learn_all(Librarian(database, embedder, fetch=fetch, parse=parser.parse), judged, "bench/near")
        engine = KnowledgeEngine(database, embedder)

        async def place(text: str) -> str:
            found = await engine.retrieve(text, workspace="bench/near", audience=EVERYONE, limit=8)
            return to_place("", found.passages)

        questions = [query.text for query in judged.queries][: session.times(100)]
        held = questions[::2]
        origin = {said: text for text in questions for said in reworded(text)}
        asked = [*origin, *(said for text in questions for said in changed(text))]
        places = {text: await place(text) for text in {*held, *asked}}
    cosines = np.array(await embedder.embed(asked)) @ np.array(await embedder.embed(held)).T
    alone = _try(asked, cosines, held, lambda one, other: origin.get(one) == other)
    ours = []
    for said, row in zip(asked, cosines, strict=True):
        there = [n for n in np.argsort(-row) if places[held[n]] == places[said]][:NEAREST]
        if (found := choose(said, [Other(held[n], str(n), float(row[n])) for n in there])) is not None:
            ours.append(origin.get(said) == found.asked)
    return _rows(replace(alone, ours=ours), "with the same passages")


def reworded(text: str) -> list[str]:
    """Return a question in other words."""
    return [said for change in REWORDINGS if (said := change(text)) != text]


def changed(text: str) -> list[str]:
    """Return other questions in nearly the same words."""
    several = [re.sub(rf"\b{one}\b", other, text, count=1) for one, other in INSTEAD]
    return [said for said in dict.fromkeys(several) if said != text][:CHANGED]


# Edits and audiences


async def _kept_apart(store: RedisStore, session: Session) -> list[Row]:
    """Ask as one audience, then as another; then teach something else and ask again; in the same words and others."""
    shelves, recollection, cache = Shelves(), Recollection(), RedisAnswers(store)
    nearby = Nearby(RedisQuestions(store), cache, shelves.bag)
    parts = {"memory": recollection, "journal": recollection, "voices": recollection}
    bot = Bot(
        knowledge=shelves,
        librarian=shelves,
        embedder=shelves.bag,
        cache=cache,
        guard=SERVED,
        nearby=nearby,
        **parts,  # type: ignore[arg-type]
    )
    chance, trials = random.Random(7), session.times(TRIALS)
    scopes = [f"channel:C{n}" for n in range(6)]
    await bot.learn(_hours(0), Place(workspace="apart"))
    crossed = stale = found = 0
    for trial in range(trials):
        one, other = chance.sample([["workspace"], *([*scopes[:n], "workspace"] for n in range(1, 6))], 2)
        for said in (f"When does the blue shop {trial} open today?", f"When does the blue shop {trial} open?"):
            await _ask(bot, said, to_audience(one))
            found += (await _ask(bot, said, to_audience(one))).cached
            crossed += (await _ask(bot, said, to_audience(other))).cached
    for trial in range(1, trials + 1):
        await bot.learn(_hours(trial), Place(workspace="apart"))
        for said in ("When does the blue shop open today?", "When does the blue shop open?"):
            stale += f" {trial} " not in (await _ask(bot, said, EVERYONE)).text
    return [
        Row(bench=BENCH, what=f"answers of another audience, {trials:,} pairs", value=crossed, most=0),
        Row(bench=BENCH, what=f"answers from before an edit, {trials:,} edits", value=stale, most=0),
        Row(bench=BENCH, what="asked again by the same audience, from the cache", value=found / (2 * trials), least=1),
    ]


def _hours(hour: int) -> Source:
    return Source(name="hours.md", content=f"# Hours\n\nThe blue shop does open at {hour} today.".encode())


async def _ask(bot: Bot, text: str, audience: Audience) -> Answer:
    async with aclosing(bot.answer(Question(text=text, workspace="apart", audience=audience))) as events:
        return [event.answer async for event in events if isinstance(event, Done)][-1]


if __name__ == "__main__":
    command(bench)
