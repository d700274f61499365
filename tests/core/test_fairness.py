"""Places are shared out by who holds the fewest, not by who came first."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.fairness import Places


async def test_who_comes_with_one_question_does_not_wait_for_a_flood() -> None:
    """Fifty works of one person in one channel, then one of another: it is served next, not fifty-first."""
    places, served = Places(2), []

    async def work(flow: tuple[str, ...]) -> None:
        async with places.place(flow):
            served.append(flow[-1])
            await asyncio.sleep(0.001)

    flood = [asyncio.create_task(work(("w", "c1", "loud"))) for _ in range(50)]
    await asyncio.sleep(0.005)
    begun = len(served)
    quiet = asyncio.create_task(work(("w", "c1", "quiet")))
    await asyncio.sleep(0)
    await asyncio.gather(*flood, quiet)
    assert begun < served.index("quiet") + 1 <= begun + 3


async def test_a_channel_leaves_room_for_the_others() -> None:
    """However much one channel asks, a quarter of the places stays free for whoever comes next."""
    places, running = Places(8), []

    async def hold(flow: tuple[str, ...], until: asyncio.Event) -> None:
        async with places.place(flow):
            running.append(flow)
            await until.wait()

    end = asyncio.Event()
    tasks = [asyncio.create_task(hold(("w", "loud", str(n)), end)) for n in range(20)]
    await asyncio.sleep(0)
    assert len(running) == 6
    tasks.append(asyncio.create_task(hold(("w", "quiet", "q"), end)))
    await asyncio.sleep(0)
    assert running[-1][1] == "quiet"
    end.set()
    await asyncio.gather(*tasks)


FLOWS = st.lists(st.tuples(st.just("w"), st.sampled_from("ab"), st.sampled_from("xyz"), st.booleans()), max_size=30)


@given(most=st.integers(1, 5), flows=FLOWS)
def test_no_place_is_lost_and_nobody_waits_for_ever(most: int, flows: list[tuple[str, str, str, bool]]) -> None:
    """Whoever is cancelled, waiting or working, everybody else is served and never more at once than there are."""

    async def run() -> None:
        places, at_once = Places(most), 0

        async def work(flow: tuple[str, ...]) -> None:
            nonlocal at_once
            async with places.place(flow):
                at_once += 1
                try:
                    assert at_once <= most
                    await asyncio.sleep(0)
                finally:
                    at_once -= 1

        tasks = [asyncio.create_task(work(flow[:3])) for flow in flows]
        await asyncio.sleep(0)
        for task, flow in zip(tasks, flows, strict=True):
            if flow[3] and not task.done():
                task.cancel()
        done = await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 5)
        assert all(result is None or isinstance(result, asyncio.CancelledError) for result in done)
        async with asyncio.timeout(5):
            for _ in range(most):
                await places.place(("w", "c", "last")).__aenter__()

    asyncio.run(run())


@pytest.mark.parametrize("most", [1, 2, 3])
async def test_few_places_are_all_used(most: int) -> None:
    """With so few there is still one for a channel that asks alone."""
    async with asyncio.timeout(5), Places(most).place(("w", "c", "p")):
        pass
