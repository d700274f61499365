"""Edits of one message, apart in time: the latest text wins, and the last one is always written."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final, Generic, TypeVar

import structlog

from core.errors import BotError

SOON: Final = 0.4  # seconds; what is done by then needs no stage to be shown, nor the wait after it
APART: Final = 1.2  # seconds; Discord lets about five edits in five seconds pass, and holds back the rest
T = TypeVar("T")
log = structlog.get_logger()


class Editor(Generic[T]):
    """Shows what is given as soon as it may; whatever was given in between is left out."""

    def __init__(self, write: Callable[[T], Awaitable[None]], *, apart: float = APART) -> None:
        self._write, self._apart = write, apart
        self._latest: T | None = None
        self._task: asyncio.Task[None] | None = None
        self._last = time.monotonic() - apart + min(SOON, apart)
        self._writing = self._shown = False

    def show(self, what: T) -> None:
        """Show this when its time has come; an edit that fails is only skipped."""
        self._latest = what
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())

    async def finish(self, what: T) -> None:
        """Show this, last of all. Errors are the caller's."""
        self._latest = None
        await self.stop()
        if self._shown:
            await asyncio.sleep(self._due())
        await self._write(what)

    async def stop(self) -> None:
        """Let an edit under way end, and begin no other."""
        self._latest = None
        if self._task is not None:
            if not self._writing:
                self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while self._latest is not None:
            if (due := self._due()) > 0:
                await asyncio.sleep(due)
                continue  # meanwhile something newer may have come, or the end
            what, self._latest = self._latest, None
            self._writing = self._shown = True
            try:
                await self._write(what)
            except BotError as error:
                log.info("edit_skipped", error=type(error).__name__)
            self._last, self._writing = time.monotonic(), False

    def _due(self) -> float:
        return max(0.0, self._last + self._apart - time.monotonic())
