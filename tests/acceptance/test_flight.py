"""Equal questions in two real processes: one generation; two when the leader is killed; one each without Redis."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from tests.acceptance.conftest import ROOT, Ran
from tests.fakes.tgi import FakeTgi

pytestmark = pytest.mark.slow

SAID = "Refunds take five working days [1]."
SHOWN = "Refunds take five working days. [1]"
DEAD = "redis://127.0.0.1:1/0"

# a replica: says that it is ready, asks as often as it is told, prints what each asker got
REPLICA = """
import asyncio, json, sys
from contextlib import aclosing
from bots.wiring import open_vocero
from core.messages import Done, Question
from infra.settings import read_settings

async def ask(bot, text):
    async with aclosing(bot.answer(Question(text=text, workspace="flight"))) as events:
        return [e.answer async for e in events if isinstance(e, Done)][-1]

async def main():
    async with open_vocero(read_settings(), say=lambda _: None) as vocero:
        print("ready", flush=True)
        while line := await asyncio.to_thread(sys.stdin.readline):
            count, text = line.strip().split(" ", 1)
            answers = await asyncio.gather(*(ask(vocero.bot, text) for _ in range(int(count))))
            print(json.dumps([[a.outcome.value, a.text] for a in answers]), flush=True)
asyncio.run(main())
"""


class Replica:
    """One process of the bot."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self.process, self._in, self._out = process, process.stdin, process.stdout

    async def ask(self, count: int, text: str) -> None:
        """Let so many people ask at once."""
        self._in.write(f"{count} {text}\n".encode())
        await self._in.drain()

    async def got(self) -> list[list[str]]:
        """Return outcome and text of each answer."""
        async with asyncio.timeout(60):
            found: list[list[str]] = json.loads(await self._out.readline())
        return found

    async def ready(self) -> None:
        """Wait until it may be asked."""
        async with asyncio.timeout(120):
            assert await self._out.readline() == b"ready\n"

    async def end(self) -> None:
        """Let it stop."""
        self._in.close()
        async with asyncio.timeout(60):
            await self.process.wait()


@pytest.fixture
async def model() -> AsyncIterator[FakeTgi]:
    """A model that takes its time, so that a flight lasts."""
    async with FakeTgi(text=SAID, delay=0.3) as fake:
        yield fake


@pytest.fixture
def taught(vocero: Callable[..., Ran]) -> None:
    """Teach what the model says."""
    ran = vocero("docs", "add", "-", "--workspace", "flight", "--title", "Refunds", "--wait", stdin=SAID[:-5].encode())
    assert ran.code == 0, ran.err


async def replicas(home: Path, model: FakeTgi, **settings: str) -> list[Replica]:
    """Start two processes on the home's servers and the fake model."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("VOCERO_")}
    env = {**clean, "VOCERO_HOME": str(home), "VOCERO_MODEL_URL": model.url, **settings}
    pipes = {"stdin": asyncio.subprocess.PIPE, "stdout": asyncio.subprocess.PIPE}
    started = [
        Replica(await asyncio.create_subprocess_exec(sys.executable, "-c", REPLICA, cwd=ROOT, env=env, **pipes))
        for _ in range(2)
    ]
    for replica in started:
        await replica.ready()
    return started


async def test_200_equal_questions_in_two_processes_make_one_generation(
    home: Path, model: FakeTgi, taught: None
) -> None:
    """All are answered, by one generation; asked again it is in the cache."""
    both = await replicas(home, model)
    for replica in both:
        await replica.ask(100, "How many working days do refunds take?")
    answers = [answer for replica in both for answer in await replica.got()]
    assert len(answers) == 200
    assert {tuple(answer) for answer in answers} == {("answered", SHOWN)}
    assert len(model.chats) == 1
    await both[0].ask(1, "how many working days do refunds take")
    assert await both[0].got() == [["answered", SHOWN]]
    assert len(model.chats) == 1
    for replica in both:
        await replica.end()


async def test_a_leader_that_is_killed_costs_one_more_generation(home: Path, model: FakeTgi, taught: None) -> None:
    """The other process notices and answers all of its own; the model server hears that the first asker is gone."""
    leader, other = await replicas(home, model)
    await leader.ask(100, "In how many working days do refunds come?")
    await model.saw(lambda: model.open == 1, within=30)
    await other.ask(100, "In how many working days do refunds come?")
    await asyncio.sleep(0.5)
    assert len(model.chats) == 1
    leader.process.kill()
    answers = await other.got()
    assert {tuple(answer) for answer in answers} == {("answered", SHOWN)}
    assert len(model.chats) == 2
    assert model.left == 1
    await leader.process.wait()
    await other.end()


async def test_without_redis_each_process_generates_once(home: Path, model: FakeTgi, taught: None) -> None:
    """Nothing is shared and nothing is lost."""
    both = await replicas(home, model, VOCERO_REDIS_URL=DEAD)
    for replica in both:
        await replica.ask(100, "Refunds take how many working days?")
    answers = [answer for replica in both for answer in await replica.got()]
    assert {tuple(answer) for answer in answers} == {("answered", SHOWN)}
    assert len(answers) == 200
    assert len(model.chats) == 2
    for replica in both:
        await replica.end()
