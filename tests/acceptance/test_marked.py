"""What people write never reaches operators: 500 marked questions, and not one mark in metrics, traces or logs."""

import asyncio
import io
import logging
import uuid
from collections.abc import Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest
import structlog
from prometheus_client import generate_latest

from bots.wiring import Vocero, open_vocero
from core.documents import Place, Source
from core.errors import KnowledgeDown
from core.inbox import Arrival
from core.messages import Done, Question
from core.reception import Held, Reception
from infra.logs import configure
from infra.settings import read_settings
from infra.telemetry.meters import Meters
from infra.telemetry.observed import ObservedHandler, Telemetry
from infra.telemetry.traces import open_traces
from tests.fakes.collector import Collector
from tests.fakes.tgi import FakeTgi

pytestmark = pytest.mark.slow
UNLIMITED: Any = dict.fromkeys(("limit_user", "limit_conversation", "limit_channel", "limit_workspace"), "off")

MARK = "MARKED-BY-A-PERSON"
QUESTIONS = 500
ASKED = ("When does the workshop open?", "What do refunds take?", "Who designed the logo?", "", "x" * 9_000)


class Answering:
    """A platform's handler, without a platform."""

    def __init__(self, vocero: Vocero) -> None:
        self.vocero, self.outcomes = vocero, []

    async def handle(self, held: Held) -> str:
        n, text = held.payload["n"], held.payload["text"]
        await held.note(f"slack/T1/C1/{MARK}")
        question = Question(
            text=text, workspace="slack/T1", user=f"slack/T1/{MARK}", conversation=f"slack/T1/C1/{MARK}{n % 20}"
        )
        async with aclosing(self.vocero.bot.answer(question)) as events:
            async for event in events:
                if isinstance(event, Done):
                    self.outcomes.append(event.answer.outcome.value)
        return "done"

    async def give_up(self, held: Held) -> None:
        self.outcomes.append("gave up")


@pytest.fixture
def logs() -> Iterator[io.StringIO]:
    """Return where everything goes that is logged, down to the least."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stream = io.StringIO()
    yield stream
    root.handlers[:], root.level = handlers, level
    structlog.reset_defaults()


@pytest.mark.timeout(900)
async def test_no_mark_reaches_metrics_traces_or_logs(home: Path, logs: io.StringIO) -> None:
    """Questions, users, conversations, documents and the model's words: all marked, none found again."""
    async with Collector() as collector, FakeTgi(text=f"The workshop opens at 8:15 on weekdays {MARK} [1].") as tgi:
        traces = open_traces(collector.url, "test")
        telemetry = Telemetry(Meters("test"), traces)
        settings = read_settings(home=home, model_url=tgi.url, **UNLIMITED)
        async with open_vocero(settings, say=lambda _: None, telemetry=telemetry) as vocero:
            configure("json", level=logging.INFO, stream=logs)
            await teach(vocero)
            handler = Answering(vocero)
            reception = Reception(vocero.chat.inbox, ObservedHandler(handler, telemetry), platform="slack/T1", beat=0.2)
            async with reception:
                for n in range(QUESTIONS):
                    text = f"{ASKED[n % len(ASKED)]} {MARK} {n % 200}" if n % 5 != 3 else ""
                    await delivered(reception, arrival(n, text))
                    while reception.busy > 24:  # noqa: ASYNC110
                        await asyncio.sleep(0.01)
                async with asyncio.timeout(600):
                    while len(handler.outcomes) < QUESTIONS:  # noqa: ASYNC110
                        await asyncio.sleep(0.1)
            await vocero.sample()
        await asyncio.to_thread(traces.close)
    seen = b"".join(collector.raw)
    assert MARK.encode() not in seen
    assert MARK not in generate_latest(telemetry.meters.registry).decode()
    assert MARK not in logs.getvalue()
    names = [span.name.split()[0] for span in collector.spans]
    assert names.count("message") >= QUESTIONS
    assert {"receive", "message", "answer", "retrieval", "embeddings", "chat"} <= set(names)
    assert collector.services == {"vocero-test"}
    assert {"answered", "extractive", "abstained", "refused"} & set(handler.outcomes)


async def delivered(reception: Reception, one: Arrival) -> None:
    """Deliver as a platform does: again and again until it is acknowledged."""
    while True:
        try:
            await reception.accept(one)
        except KnowledgeDown:
            await asyncio.sleep(0.5)
        else:
            return


async def teach(vocero: Vocero) -> None:
    """Teach a document whose title and text are marked."""
    text = f"# Hours {MARK}\n\nThe workshop opens at 8:15. {MARK}\n\n## Money\n\nRefunds take five days. {MARK}"
    source = Source(name=f"{MARK}.md", content=text.encode(), title=MARK)
    await vocero.bot.learn(source, Place(workspace="slack/T1"))


def arrival(n: int, text: str) -> Arrival:
    """Return a delivery."""
    payload: dict[str, Any] = {"n": n, "text": text}
    key = f"{MARK}-{n}-{uuid.uuid4()}"
    return Arrival(workspace="slack/T1", event_key=key, conversation=f"{MARK}{n % 20}", payload=payload)
