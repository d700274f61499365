"""Freed memory goes back to the system, and the collector looks at what is new."""

import asyncio
import gc
import weakref

import psutil

from infra.heap import settled, trim, trimmed

PIECE, PIECES = 60_000, 2_000  # bytes: below what malloc takes from the system each time; 120 MB in all


def fragment() -> list[bytearray]:
    """Fill the heap and free all but one piece near its end, which holds the rest back."""
    pieces = [bytearray(PIECE) for _ in range(PIECES)]
    return pieces[-2:-1]


async def test_what_is_freed_goes_back_while_a_part_runs() -> None:
    """Most of a freed heap is gone from the process within a look, though its last piece is in use."""
    process = psutil.Process()
    held = await asyncio.to_thread(fragment)
    before = process.memory_info().rss
    async with trimmed(every=0.01):
        for _ in range(500):
            if process.memory_info().rss < before - PIECE * PIECES // 2:
                break
            await asyncio.sleep(0.01)
    assert process.memory_info().rss < before - PIECE * PIECES // 2
    assert held


def test_a_second_time_there_is_little_to_do() -> None:
    """It may be asked at any time."""
    trim()
    assert isinstance(trim(), bool)


class Ring:
    """Something that only the collector can free."""

    def __init__(self) -> None:
        self.me = self


def test_what_is_loaded_is_not_looked_through_again() -> None:
    """A full collection has next to nothing to look at, and still finds what is new garbage."""
    before = len(gc.get_objects())
    with settled():
        assert len(gc.get_objects()) < before / 10
        gone = weakref.ref(Ring())
        gc.collect()
        assert gone() is None
    assert len(gc.get_objects()) > before / 2
