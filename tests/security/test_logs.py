"""What people ask and what documents say is in no log: neither ours nor the database's, whatever goes wrong."""

import asyncio
import io
import logging
from collections.abc import Iterator

import pytest
import structlog

from infra.logs import configure
from infra.postgres.pool import Database
from tests.adapters.slack.conftest import joined
from tests.benchmarks.once import to_question
from tests.fakes.brain import Script, brain
from tests.fakes.slack import FakeSlack
from tests.fakes.slack.world import BOT
from tests.postgres import Server

pytestmark = [pytest.mark.slow, pytest.mark.timeout(500)]

QUESTIONS, AT_ONCE = 500, 10
MARK = "ZQMARKED"


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """Everything that is logged at INFO or above, as JSON; logging is put back as it was."""
    root = logging.getLogger()
    handlers, level, out = root.handlers[:], root.level, io.StringIO()
    configure("json", level=logging.INFO, stream=out)
    logging.getLogger("aiohttp.access").setLevel(logging.WARNING)  # the fake Slack's own
    yield out
    root.handlers[:], root.level = handlers, level
    structlog.reset_defaults()


class Faulty(Script):
    """A model that is down for every fifth question and breaks in an unforeseen way at every seventh."""

    def speak(self, prompt, *, adapter=None, max_tokens):
        """Fail, or speak."""
        self.asked = getattr(self, "asked", 0) + 1
        self.down = "down on purpose" if self.asked % 5 == 0 else ""
        if self.asked % 7 == 0:
            raise RuntimeError("broken on purpose")
        return super().speak(prompt, adapter=adapter, max_tokens=max_tokens)


async def test_500_marked_questions(database: Database, postgres_server: Server, log: io.StringIO) -> None:
    """Asked in channels, aside and directly, with commands, faults and outages: every word is marked, none is found."""
    mind = brain(speaker=Faulty({"refunds": f"Refunds take 14 days [1]. {MARK}SAID [1]."}))
    slack = FakeSlack()
    async with slack, joined(database, slack=slack, mind=mind):
        await slack.reply(await slack.say(f'@vocero add title "{MARK}TITLE": {MARK} refunds take 14 days.'))
        line = asyncio.Semaphore(AT_ONCE)

        async def ask(n: int) -> None:
            async with line:
                text = f"{to_question(n)} {MARK}"
                if n % 50 == 0:
                    mind.knowledge.down = "down on purpose" if n % 100 else ""
                if n % 11 == 0:
                    await slack.command(text, user="ben")
                    return
                message = await (slack.dm(text) if n % 13 == 0 else slack.say(f"@vocero {text}"))
                await slack.reply(message, seconds=120)

        await asyncio.gather(*(ask(n) for n in range(QUESTIONS)))
        logging.getLogger("core").warning("the end")
        said = [m for m in slack.world.messages.values() if m.user == BOT]
    held = log.getvalue()
    assert len(said) > QUESTIONS * 0.8
    assert "broken on purpose" in held, "nothing went wrong, so nothing was proved"
    assert held.count(MARK) == 0, [line for line in held.splitlines() if MARK in line][:3]
    server = (postgres_server.folder / "log").read_text(encoding="utf-8", errors="replace")
    assert server
    assert server.count(MARK) == 0
