"""One interaction, seen from the user's side."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

from tests.fakes.discord.world import EPHEMERAL, LOADING, Json


class Call:
    """What a person did, and what came back. Seconds count from the click."""

    def __init__(self, payload: Json, user: str, *, age: float = 0.0) -> None:
        self.payload, self.user = payload, user
        self.id, self.token = payload["id"], payload["token"]
        self.arrived = time.monotonic()
        self.born = self.arrived - age  # of the token
        self.ack: Json | None = None
        self.ack_after: float | None = None
        self.original: Json | None = None
        self.followups: list[Json] = []
        self.edited: list[float] = []
        self.changed = asyncio.Event()

    @property
    def deferred(self) -> bool:
        """Whether the bot asked for more time."""
        return self.ack is not None and self.ack["type"] in (5, 6)

    @property
    def private(self) -> bool:
        """Whether only the user sees the reply."""
        return self.original is not None and bool(self.original["flags"] & EPHEMERAL)

    @property
    def thinking(self) -> bool:
        """Whether the user still sees "thinking"."""
        return self.original is not None and bool(self.original["flags"] & LOADING)

    @property
    def choices(self) -> list[Json]:
        """What autocompletion offers."""
        assert self.ack is not None
        return list(self.ack["data"]["choices"])

    @property
    def modal(self) -> Json:
        """The form that was opened."""
        assert self.ack is not None
        return dict(self.ack["data"])

    async def acked(self, timeout: float = 5.0) -> Json:
        """Wait for the first response."""
        await self.until(lambda: self.ack is not None, timeout)
        assert self.ack is not None
        return self.ack

    async def message(self, timeout: float = 10.0) -> Json:
        """Wait until the reply is no longer "thinking" and return it."""
        await self.until(lambda: self.original is not None and not self.thinking, timeout)
        assert self.original is not None
        return self.original

    async def until(self, true: Callable[[], Any], timeout: float = 10.0) -> None:
        """Wait for something to be true."""
        async with asyncio.timeout(timeout):
            while not true():
                self.changed.clear()
                await self.changed.wait()
