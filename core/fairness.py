"""Places to work at, shared out fairly: who asks much waits for themselves, not others for them."""

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

SHARE: Final = 0.75  # of the places may be one channel's: whoever comes next begins at once

Flow = tuple[str, ...]  # whose it is, widest first: workspace, channel, person


class Places:
    """So many at once. A free place goes to the waiting flow whose workspace, channel and person hold the fewest."""

    def __init__(self, most: int) -> None:
        self._free = most
        self._share = max(1, round(most * SHARE)) if most > 1 else most
        self._held: Counter[Flow] = Counter()
        self._waiting: dict[Flow, deque[tuple[int, asyncio.Future[None]]]] = {}
        self._tickets = 0

    @asynccontextmanager
    async def place(self, flow: Flow) -> AsyncIterator[None]:
        """Wait for a place and hold it for the block."""
        self._tickets += 1
        waiting = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(flow, deque()).append((self._tickets, waiting))
        self._give()
        try:
            await waiting
        except asyncio.CancelledError:
            if not waiting.cancelled():  # it was given in the same moment
                self._leave(flow)
            else:
                self._give()  # which drops it
            raise
        try:
            yield
        finally:
            self._leave(flow)

    def _give(self) -> None:
        while self._free and (flow := self._next()) is not None:
            _, waiting = self._waiting[flow].popleft()
            self._free -= 1
            self._held.update(_prefixes(flow))
            waiting.set_result(None)

    def _next(self) -> Flow | None:
        best: tuple[tuple[int, ...], Flow] | None = None
        for flow, line in list(self._waiting.items()):
            while line and line[0][1].done():
                line.popleft()
            if not line:
                del self._waiting[flow]
                continue
            held = tuple(self._held[prefix] for prefix in _prefixes(flow))
            if len(held) > 1 and held[1] >= self._share:
                continue
            if best is None or (*held, line[0][0]) < best[0]:
                best = ((*held, line[0][0]), flow)
        return best[1] if best else None

    def _leave(self, flow: Flow) -> None:
        self._free += 1
        self._held.subtract(_prefixes(flow))
        self._held = +self._held
        self._give()


def _prefixes(flow: Flow) -> list[Flow]:
    return [flow[: n + 1] for n in range(len(flow))]
