"""Single flight: of equal questions asked at once, one is answered and the others share the answer."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing

from core.messages import Answer, Done, Event


class Flights:
    """The answers under way in this process, by cache key."""

    def __init__(self) -> None:
        self._under_way: dict[str, asyncio.Future[Answer | None]] = {}

    async def join(self, key: str, write: Callable[[], AsyncGenerator[Event]]) -> AsyncGenerator[Event]:
        """Lead the flight of this key, or follow it and get its `Done` only.

        When the leader leaves early, its generation is cancelled and the first follower leads anew.
        """
        while (leader := self._under_way.get(key)) is not None:
            answer = await asyncio.shield(leader)
            if answer is not None:
                yield Done(answer)
                return
        async for event in self._lead(key, write):
            yield event

    async def _lead(self, key: str, write: Callable[[], AsyncGenerator[Event]]) -> AsyncIterator[Event]:
        landed: asyncio.Future[Answer | None] = asyncio.get_running_loop().create_future()
        self._under_way[key] = landed
        try:
            async with aclosing(write()) as events:
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
