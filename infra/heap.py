"""What a long-running process has freed goes back to the system, and what it has loaded is not looked through again.

glibc keeps freed memory for itself, a little more in each thread's arena every hour: 12 MB of 388 after forty minutes
at five questions a second, nothing of it in use. Elsewhere (musl, macOS) there is nothing to do.

Of what is loaded at the start, a quarter of a million objects, nothing is ever garbage; yet each full collection looks
through it all and holds every answer up for a tenth of a second.
"""

import asyncio
import ctypes
import gc
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Final

from core.ending import end

EVERY: Final = 120.0  # seconds; it takes some milliseconds, in a thread


def trim() -> bool:
    """Give freed memory back; whether there was any, False also where the C library cannot."""
    give_back = getattr(ctypes.CDLL(None), "malloc_trim", None)
    return bool(give_back and give_back(0))


@asynccontextmanager
async def trimmed(every: float = EVERY) -> AsyncIterator[None]:
    """Do so for the block."""

    async def keep() -> None:
        while True:
            await asyncio.sleep(every)
            await asyncio.to_thread(trim)

    task = asyncio.create_task(keep())
    try:
        yield
    finally:
        await end(task)


@contextmanager
def settled() -> Iterator[None]:
    """Keep the collector from what is alive now, for the block."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
