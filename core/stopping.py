"""Answers under way, which whoever asked may stop: their generation ends at the server, too."""

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any

from core.ending import end
from core.messages import Answer

STOPPED = "stopped"  # what a cancellation carries that somebody wished


class Readings:
    """The answers that this process is reading, by the names they may be stopped by."""

    def __init__(self) -> None:
        self._under_way: dict[str, tuple[asyncio.Task[Answer], asyncio.Task[Any] | None]] = {}

    async def read(self, names: Sequence[str], reading: Coroutine[Any, Any, Answer]) -> Answer | None:
        """Return the answer, None when it was stopped; a cancellation of our own task goes on as one."""
        task, mine = asyncio.create_task(reading), asyncio.current_task()
        self._under_way |= dict.fromkeys(names, (task, mine))
        try:
            return await task
        except asyncio.CancelledError as cancelled:
            if cancelled.args != (STOPPED,) or (mine and mine.cancelling()):
                await end(task)
                raise
            return None
        finally:
            for name in names:
                if self._under_way.get(name, (None, None))[0] is task:
                    del self._under_way[name]

    def stop(self, *names: str) -> "asyncio.Task[Any] | None":
        """Stop what goes by one of these names; return the task that read it and will show that it ended."""
        found = next((self._under_way[name] for name in names if name in self._under_way), None)
        if found is None:
            return None
        found[0].cancel(STOPPED)
        return found[1]
