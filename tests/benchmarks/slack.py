"""How Slack's herds are taken: a real conversation's busiest minute, a hundredfold, on stock bolt and a real inbox.

    python -m tests.benchmarks.slack [--json] [--mentions 1000] [--seconds 60] [--data DIR]

The model is a script and the brain's services are in memory: measured are acceptance, order and exactly-once. Every
event of every mention is then delivered three times more, as Slack does at most.
"""

import argparse
import asyncio
import gzip
import json
import random
import statistics
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from infra.postgres.migrate import migrate
from infra.postgres.pool import Database
from tests.adapters.slack.conftest import joined
from tests.fakes.brain import Script, brain
from tests.fakes.slack import FakeSlack, Message
from tests.fakes.slack.world import BOT, User
from tests.postgres import APPLICATION, Server

DATA = Path(__file__).parents[2] / "../shared/data"
ACK = 3.0  # seconds that Slack gives
DELIVERIES = 4


def busiest(data: Path) -> tuple[list[tuple[float, str, str]], str]:
    """Return the busiest minute: seconds into it, who, what; and where it is from. Made up where the data is absent."""
    rows = []
    for file in sorted((data / "slack-racket").glob("*.jsonl.gz")):
        with gzip.open(file, "rt", encoding="utf-8") as lines:
            rows += [(datetime.fromisoformat(r["ts"]), r["user"], r["text"]) for r in map(json.loads, lines)]
    if not rows:
        return [(n * 6.0, f"u{n % 4}", f"what is question {n}?") for n in range(10)], "made up"
    rows.sort()
    counted = Counter(when.replace(second=0, microsecond=0) for when, _, _ in rows)
    minute, _ = counted.most_common(1)[0]
    found = [row for row in rows if row[0].replace(second=0, microsecond=0) == minute]
    return [
        ((when - minute).total_seconds(), who, text) for when, who, text in found
    ], f"slack-racket, {minute:%Y-%m-%d %H:%M}"


def schedule(mentions: int, seconds: float, data: Path) -> tuple[list[tuple[float, str, str, int]], str]:
    """Return so many mentions in so many seconds: the minute's own rhythm, repeated with a little noise, in threads."""
    minute, source = busiest(data)
    dice = random.Random(7)
    planned = [
        ((at + dice.random() * 6) % 60 / 60 * seconds, who, text, dice.randrange(mentions // 5))
        for n in range(mentions)
        for at, who, text in [minute[n % len(minute)]]
    ]
    return sorted(planned), source


async def measure(mentions: int, seconds: float, data: Path = DATA) -> dict[str, Any]:
    """Replay, and return what was measured."""
    planned, source = schedule(mentions, seconds, data)
    with Server() as server:
        urls = server.database()
        await migrate(urls.admin, APPLICATION)
        slack = FakeSlack()
        mind = brain(speaker=Script({}, pause=0.0))
        async with Database(urls.application) as database, slack, joined(database, slack=slack, mind=mind):
            asked, envelopes, late = await replay(slack, planned)
            acks = sorted(d.seconds for _, d in slack.deliveries if d.acked)
            await settle(slack, asked)
            await repeat(slack, envelopes)
            await asyncio.sleep(1.0)
            figures = judge(slack, asked, acks, mind.recollection.noted)
            return {"source": source, "seconds": seconds, **figures, "late": late}


async def replay(
    slack: FakeSlack, planned: Sequence[tuple[float, str, str, int]]
) -> tuple[list[Message], list[dict[str, Any]], float]:
    """Say everything at its time; return what was said, its events, and how late the replay itself ran."""
    for who in {who for _, who, _, _ in planned}:
        slack.world.add_user(User(id=f"U{abs(hash(who)) % 10**8:08d}", name=who))
        slack.world.channel("general").members.append(slack.world.user(who).id)
    roots: dict[int, str] = {}
    asked: list[Message] = []
    envelopes: list[dict[str, Any]] = []
    late, begun, tasks = 0.0, time.monotonic(), []
    for at, who, text, thread in planned:
        await asyncio.sleep(max(0.0, begun + at - time.monotonic()))
        late = max(late, time.monotonic() - begun - at)
        message = slack._keep(f"<@{BOT}> {text[:2_000]}", who, "C0GENERAL", roots.get(thread, ""), [])
        roots.setdefault(thread, message.ts)
        asked.append(message)
        envelopes += (both := slack.events_of(message))
        tasks += [asyncio.create_task(slack.send(envelope)) for envelope in both]
    await asyncio.gather(*tasks)
    return asked, envelopes, round(late, 3)


async def repeat(slack: FakeSlack, envelopes: list[dict[str, Any]]) -> None:
    """Deliver every event of the minute again and again, as fast as they are acknowledged, some at once."""
    line = asyncio.Semaphore(8)

    async def again(envelope: dict[str, Any]) -> None:
        async with line:
            await slack.send(envelope)

    for _ in range(DELIVERIES - 1):
        await asyncio.gather(*(again(envelope) for envelope in envelopes))


async def settle(slack: FakeSlack, asked: list[Message]) -> None:
    """Wait for the last answer, then a little for one too many."""
    want = len(asked)

    def have() -> int:
        return sum(1 for m in slack.world.messages.values() if m.user == BOT and not m.to)

    end = time.monotonic() + 120
    while have() < want and time.monotonic() < end:  # noqa: ASYNC110
        await asyncio.sleep(0.1)
    await asyncio.sleep(1.0)


def judge(slack: FakeSlack, asked: list[Message], acks: list[float], noted: list[Any]) -> dict[str, Any]:
    """Return the figures."""
    posts = [m for m in slack.world.messages.values() if m.user == BOT and not m.to]
    per_work = Counter(m.metadata["event_payload"]["work"] for m in posts if m.metadata["event_payload"]["part"] == 0)
    firsts = len(per_work)
    order, threads = 0, defaultdict(list)
    for question, _ in noted:
        threads[question.conversation].append(question.text)
    for root, texts in threads.items():
        said = [m for m in asked if root.endswith(f"/{m.thread_ts or m.ts}")]
        wanted = [" ".join(m.text.replace(f"<@{BOT}>", "").split()) for m in said]
        order += [t[:40] for t in texts] != [_plain(w)[:40] for w in wanted]
    return {
        "mentions": len(asked),
        "deliveries": len(slack.deliveries),
        "unacknowledged": sum(not d.acked for _, d in slack.deliveries),
        "ack_p50": round(statistics.median(acks), 4),
        "ack_p99": round(acks[int(len(acks) * 0.99)], 4),
        "ack_max": round(acks[-1], 4),
        "ack_budget": ACK * 0.1,
        "answered": firsts,
        "lost": len(asked) - firsts,
        "doubled": sum(n - 1 for n in per_work.values()) + max(0, firsts - len(asked)),
        "threads": len(threads),
        "threads_out_of_order": order,
    }


def _plain(text: str) -> str:
    from adapters.slack.heard import to_plain

    return " ".join(to_plain(text).split())


def main() -> None:
    """Read the command line, measure, print."""
    parser = argparse.ArgumentParser(description="Slack under a herd.")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--mentions", type=int, default=1_000)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--data", type=Path, default=DATA, help="where slack-racket stands")
    given = parser.parse_args()
    figures = asyncio.run(measure(given.mentions, given.seconds, given.data))
    print(json.dumps(figures) if given.json else "\n".join(f"{key:<22} {value}" for key, value in figures.items()))

    wrong = figures["lost"] or figures["doubled"] or figures["threads_out_of_order"] or figures["unacknowledged"]
    sys.exit(1 if wrong or figures["ack_p99"] > figures["ack_budget"] else 0)


if __name__ == "__main__":
    main()
