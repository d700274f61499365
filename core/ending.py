"""Ending tasks for sure."""

import asyncio
from typing import Any, Final

AGAIN: Final = 5.0  # seconds until a cancellation that was not heard is repeated; what tidies up is let alone so long


async def end(*tasks: "asyncio.Task[Any]") -> None:
    """Cancel tasks and wait until all have ended, whatever they raise.

    One cancellation may be lost: before Python 3.12 `asyncio.wait_for`, which drivers use, returns its result instead
    when both come at once (python/cpython #86296). Whoever then waited for the task would wait for ever.
    """
    while running := [task for task in tasks if not task.done()]:
        for task in running:
            task.cancel()
        await asyncio.wait(running, timeout=AGAIN)
    for task in tasks:
        if not task.cancelled():
            task.exception()  # it was looked at: nobody need be told that it never was
