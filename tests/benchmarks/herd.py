"""A herd on paper: `python -m tests.benchmarks.herd` simulates what no test machine could be asked.

Two scenes. An all-hands: one channel, 500 people ask within a minute. And 10,000 workspaces at the busiest minute: 200
questions a second. Discrete events on a simulated clock, seeded: the same numbers every time. What a step takes is in
`Figures`, each with where it comes from; the waiting in between is what is simulated.
"""

import argparse
import heapq
import itertools
import random
from collections import deque
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Final

from core.reception import AT_ONCE

Step = Generator[Any, None, None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Seconds and counts. [M] measured in this project, [S] the platform's or vendor's page, [E] estimated."""

    accept: float = 0.0023  # a row made durable, p99 [M]
    retrieve: float = 0.05  # recall, cache, search, gate [M]
    prompt: int = 3000  # tokens of passages and question [E]
    said: int = 250  # tokens of an answer [E]
    prefill: float = 30_000.0  # prompt tokens a second of one GPU (8B, H100) [E, x2 either way]
    decode: float = 5_300.0  # answer tokens a second of one GPU, all streams together [S]
    stream: float = 60.0  # answer tokens a second of one stream, alone [E]
    slots: int = 128  # streams at a time on one GPU; beyond, they wait [S]
    channel: float = 1.0  # messages a second that Slack takes in one channel [S]
    post: float = 0.2  # until Slack has answered one [E]
    at_once: int = AT_ONCE  # answers at a time in one replica, from the code


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """Who asks: `n` questions over `seconds`, of which `distinct` differ, in so many workspaces and channels."""

    n: int
    seconds: float
    distinct: float  # share of questions that nobody asked before
    channels: int
    replicas: int
    gpus: int
    figures: Figures = field(default_factory=Figures)
    seed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a scene came to; seconds from the question, at the median, at 95 % and for the last."""

    answered: int
    generations: int
    accept_p99: float
    posted_p50: float
    posted_p95: float
    last: float
    busiest: str
    most_waiting: int


class Clock:
    """Runs steps in the order of simulated time. A step yields seconds to wait, or a `Place` to wait for."""

    def __init__(self) -> None:
        self.now = 0.0
        self._due: list[tuple[float, int, Step]] = []
        self._number = itertools.count()

    def start(self, step: Step, after: float = 0.0) -> None:
        heapq.heappush(self._due, (self.now + after, next(self._number), step))

    def run(self) -> None:
        while self._due:
            self.now, _, step = heapq.heappop(self._due)
            self.go(step)

    def go(self, step: Step) -> None:
        for wanted in step:
            if isinstance(wanted, Place):
                if not wanted.take(step):
                    return
            else:
                self.start(step, wanted)
                return


class Place:
    """So many at a time; the others wait in order. Counts how long it was full."""

    def __init__(self, clock: Clock, room: int, name: str) -> None:
        self.clock, self.room, self.name = clock, room, name
        self.inside, self.waiting = 0, deque[Step]()
        self.most, self.full, self._since = 0, 0.0, 0.0

    def take(self, step: Step) -> bool:
        """Enter, or wait for it."""
        if self.inside < self.room:
            self.inside += 1
            if self.inside == self.room:
                self._since = self.clock.now
            return True
        self.waiting.append(step)
        self.most = max(self.most, len(self.waiting))
        return False

    def leave(self) -> None:
        """Let the next in."""
        if self.waiting:
            self.clock.start(self.waiting.popleft())
            return
        if self.inside == self.room:
            self.full += self.clock.now - self._since
        self.inside -= 1


class World:
    """A scene under way."""

    def __init__(self, scene: Scene) -> None:
        self.scene, self.clock, self.random = scene, Clock(), random.Random(scene.seed)
        f = scene.figures
        self.replicas = [Place(self.clock, f.at_once, "replicas") for _ in range(scene.replicas)]
        self.models = [
            (Place(self.clock, 1, "prefill"), Place(self.clock, f.slots, "decode")) for _ in range(scene.gpus)
        ]
        self.channels = [Place(self.clock, 1, "channel") for _ in range(scene.channels)]
        self.flights: dict[int, float | None] = {}  # None: under way; else when it was cached
        self.posted: list[float] = []
        self.accepted: list[float] = []
        self.generations = 0

    def told(self) -> Told:
        """Run it to its end."""
        scene = self.scene
        new = 0
        for _ in range(scene.n):
            if not new or self.random.random() < scene.distinct:
                new += 1
                what = new
            else:
                what = self.random.randint(1, new)
            self.clock.start(self.question(what), self.random.uniform(0, scene.seconds))
        self.clock.run()
        self.posted.sort()
        self.accepted.sort()
        kinds = [self.replicas, *zip(*self.models, strict=True), self.channels]
        places = [place for kind in kinds for place in kind]
        busiest = max(places, key=lambda place: (place.full, place.most))
        at = lambda row, q: row[min(len(row) - 1, int(q * len(row)))]  # noqa: E731
        return Told(
            answered=len(self.posted),
            generations=self.generations,
            accept_p99=at(self.accepted, 0.99),
            posted_p50=at(self.posted, 0.5),
            posted_p95=at(self.posted, 0.95),
            last=self.posted[-1],
            busiest=busiest.name if busiest.full else "none",
            most_waiting=max(sum(place.most for place in kind) for kind in kinds),
        )

    def question(self, what: int) -> Step:
        """From the delivery to the post, as `core.reception` and `core.bot` do it."""
        f, began = self.scene.figures, self.clock.now
        yield self.random.expovariate(1 / (f.accept / 4.6))  # so that its 99th percentile is the measured one
        self.accepted.append(self.clock.now - began)
        replica = self.random.choice(self.replicas)
        yield replica
        yield f.retrieve
        if what not in self.flights:
            self.flights[what] = None
            yield from self.generate()
            self.flights[what] = self.clock.now
        elif self.flights[what] is None:  # single flight: wait for the one that is under way
            yield from self.follow(what)
        channel = self.random.choice(self.channels)
        yield channel
        yield f.post
        replica.leave()
        self.posted.append(self.clock.now - began)
        yield max(0.0, 1 / f.channel - f.post)  # the channel takes the next one only then
        channel.leave()

    def follow(self, what: int) -> Step:
        """Sleep until the leader lands; looked for every tenth of a second, as a follower in another replica would."""
        while self.flights[what] is None:
            yield 0.1

    def generate(self) -> Step:
        """One answer of the least busy GPU: prompts are read one after the other, answers written side by side."""
        f = self.scene.figures
        prefill, decode = min(self.models, key=lambda pair: sum(p.inside + len(p.waiting) for p in pair))
        self.generations += 1
        yield prefill
        yield f.prompt / f.prefill
        prefill.leave()
        yield decode
        yield f.said / min(f.stream, f.decode / decode.inside)
        decode.leave()


ALL_HANDS: Final = Scene(n=500, seconds=60, distinct=0.6, channels=1, replicas=2, gpus=1)
TENANTS: Final = Scene(n=24_000, seconds=120, distinct=0.7, channels=10_000, replicas=16, gpus=32)


def scenes() -> Iterator[tuple[str, Scene]]:
    """Yield what is told in docs/scaling.md."""
    yield "500 ask in a minute, one channel", ALL_HANDS
    yield "the same, all in threads of 20 channels", replace(ALL_HANDS, channels=20)
    yield "the same, nobody repeats another", replace(ALL_HANDS, channels=20, distinct=1.0)
    yield "the same, one replica", replace(ALL_HANDS, channels=20, replicas=1)
    for gpus in (12, 14, 15, 16, 20, 32):
        yield f"10,000 workspaces, 200 a second, {gpus} GPUs", replace(TENANTS, gpus=gpus, replicas=64)
    for replicas in (16, 20, 24, 32):
        yield f"10,000 workspaces, 200 a second, {replicas} replicas", replace(TENANTS, gpus=20, replicas=replicas)
    short = replace(TENANTS.figures, prompt=1500)
    yield "10,000 workspaces, half the context, 8 GPUs", replace(TENANTS, gpus=8, replicas=64, figures=short)


def to_table(rows: list[tuple[str, Told]]) -> str:
    """Return the rows as Markdown."""
    lines = [
        "| scene | generations | durable p99 | posted p50 | p95 | last | full | waited |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, t in rows:
        seconds = f"{t.posted_p50:.1f} s | {t.posted_p95:.1f} s | {t.last:.0f} s"
        durable = f"{1000 * t.accept_p99:.1f} ms"
        lines.append(f"| {name} | {t.generations:,} | {durable} | {seconds} | {t.busiest} | {t.most_waiting:,} |")
    return "\n".join(lines)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    seed = parser.parse_args().seed
    print(to_table([(name, World(replace(scene, seed=seed)).told()) for name, scene in scenes()]))


if __name__ == "__main__":
    main()
