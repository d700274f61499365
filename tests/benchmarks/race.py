"""Contestants take turns: a round of the first, a round of the second, and then in the opposite order."""

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

Ask = Callable[[int], Awaitable[object]]  # asks question number n


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """Medians over the rounds: questions a second, ms at the median and at 95 %, ms of the client's CPU a question."""

    qps: float
    p50: float
    p95: float
    cpu: float


async def race(contestants: Mapping[str, Ask], *, callers: int, rounds: int, each: int) -> dict[str, Pace]:
    """Let every contestant ask `each` questions a round, by so many callers at once; the first round only warms up."""
    paces: dict[str, list[Pace]] = {name: [] for name in contestants}
    for turn in range(rounds + 1):
        for name in list(contestants)[:: 1 if turn % 2 else -1]:
            pace = await _round(contestants[name], callers, each if turn else min(each, 2 * callers), start=turn * each)
            if turn:
                paces[name].append(pace)
    return {name: _median(found) for name, found in paces.items()}


async def _round(ask: Ask, callers: int, each: int, start: int) -> Pace:
    waiting = iter(range(start, start + each))
    took: list[float] = []

    async def work() -> None:
        for number in waiting:
            began = time.perf_counter()
            await ask(number)
            took.append(time.perf_counter() - began)

    cpu, began = time.process_time(), time.perf_counter()
    await asyncio.gather(*(work() for _ in range(callers)))
    whole, cpu = time.perf_counter() - began, time.process_time() - cpu
    took.sort()
    return Pace(
        qps=each / whole,
        p50=1000 * statistics.median(took),
        p95=1000 * took[min(len(took) - 1, round(0.95 * len(took)))],
        cpu=1000 * cpu / each,
    )


def _median(paces: list[Pace]) -> Pace:
    def of(part: str) -> float:
        return statistics.median(getattr(pace, part) for pace in paces)

    return Pace(qps=of("qps"), p50=of("p50"), p95=of("p95"), cpu=of("cpu"))
