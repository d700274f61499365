"""Single flight: of equal questions asked at once, one is answered and the others share the answer.

Within a process by a future; between processes by a lease that its holder keeps alive. When the holder dies, the lease
runs out and the next process leads. When nobody can know who leads, every process does, once.
"""

import asyncio
import secrets
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager, suppress
from typing import Final, Protocol

from core import budgets
from core.ending import end
from core.messages import Answer, Done, Event

LEASE: Final = 2.0  # seconds that a leader may be silent
BEAT: Final = LEASE / 4  # seconds between two signs of life
PATIENCE: Final = budgets.MODEL_TOTAL + 15.0  # seconds; no leader that lives takes longer


class Leases(Protocol):
    """Says which process answers a question; fails open, so that each one does when nothing can be known."""

    async def take(self, workspace: str, key: str, token: str) -> str:
        """Return the token of who leads: ours when nobody did, or when that cannot be known."""
        ...

    async def hold(self, workspace: str, key: str, token: str) -> None:
        """Give a sign of life for a lease that is ours."""
        ...

    async def land(self, workspace: str, key: str, token: str, answer: Answer | None) -> None:
        """End our lease and hand out the answer; None: somebody else should lead."""
        ...

    async def landed(self, workspace: str, key: str, leader: str) -> Answer | None:
        """Wait for a leader's end and return its answer; None when there is none, the leader died, or none can know."""
        ...


class Flights:
    """The answers under way, by cache key. `leases` None: this process is alone."""

    def __init__(self, leases: Leases | None = None) -> None:
        self._under_way: dict[str, asyncio.Future[Answer | None]] = {}
        self._leases = leases

    async def join(
        self, key: str, write: Callable[[], AsyncGenerator[Event]], *, workspace: str = "", shared: bool = True
    ) -> AsyncGenerator[Event]:
        """Lead the flight of this key, or follow it and get its `Done` only.

        When the leader leaves early, its generation is cancelled and the first follower leads anew. `shared` False: the
        key is this question's own, and no other process need hear of it.
        """
        while (leader := self._under_way.get(key)) is not None:
            answer = await asyncio.shield(leader)
            if answer is not None:
                yield Done(answer)
                return
        landed: asyncio.Future[Answer | None] = asyncio.get_running_loop().create_future()
        self._under_way[key] = landed
        leases = self._leases if shared else None
        try:
            async with aclosing(_leading(leases, workspace, key, write)) as events:
                async for event in events:
                    if isinstance(event, Done):
                        self._land(key, landed, event.answer)
                    yield event
        finally:
            self._land(key, landed, None)

    def _land(self, key: str, landed: "asyncio.Future[Answer | None]", answer: Answer | None) -> None:
        if not landed.done():
            landed.set_result(answer)
            del self._under_way[key]


async def _leading(
    leases: Leases | None, workspace: str, key: str, write: Callable[[], AsyncGenerator[Event]]
) -> AsyncGenerator[Event]:
    """Yield the events of writing, or the end of another process's flight."""
    token = secrets.token_hex(8)
    if leases and (answer := await _follow(leases, workspace, key, token)):
        yield Done(answer)
        return
    answer = None
    try:
        async with _held(leases, workspace, key, token), aclosing(write()) as events:
            async for event in events:
                if isinstance(event, Done):
                    answer = event.answer
                    if leases:
                        await leases.land(workspace, key, token, answer)
                yield event
    finally:
        if leases and answer is None:
            await leases.land(workspace, key, token, None)


async def _follow(leases: Leases, workspace: str, key: str, token: str) -> Answer | None:
    """Return what another process answered; None when it is ours to lead."""
    with suppress(TimeoutError):
        async with asyncio.timeout(PATIENCE):
            while (leader := await leases.take(workspace, key, token)) != token:
                if answer := await leases.landed(workspace, key, leader):
                    return answer
    return None


@asynccontextmanager
async def _held(leases: Leases | None, workspace: str, key: str, token: str) -> AsyncIterator[None]:
    """Give signs of life during the block."""

    over = False

    async def beat() -> None:
        while leases and not over:
            await asyncio.sleep(BEAT)
            await leases.hold(workspace, key, token)

    beating = asyncio.create_task(beat())
    try:
        yield
    finally:
        over = True  # should the cancellation be lost
        await end(beating)
