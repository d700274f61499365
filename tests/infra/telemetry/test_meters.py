"""Metrics: few values a label, and none that a person could be found by."""

import asyncio
from contextlib import aclosing

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client import generate_latest

from core.bot import Bot
from core.grounding import SERVED
from core.inbox import Arrival, Work
from core.messages import Done, Question
from core.reception import Held
from infra.telemetry.http import to_method
from infra.telemetry.meters import Meters
from infra.telemetry.observed import ObservedHandler, ObservedInbox, ObservedKnowledge, ObservedSpeaker, Telemetry
from infra.telemetry.traces import Traces, open_traces
from tests.fakes.brain import Brain, Recollection, Script, Shelves, taught

TEXTS = {"hours": "The workshop opens at 8:15 on weekdays.", "refunds": "Refunds take five working days."}


def watching(*, content: bool = False) -> tuple[Telemetry, InMemorySpanExporter]:
    """Return telemetry whose spans stay here."""
    provider, spans = TracerProvider(), InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    return Telemetry(Meters("test"), Traces(provider.get_tracer("test"), content)), spans


def watched_bot(telemetry: Telemetry, speaker: Script | None = None) -> Brain:
    """Return the real bot on fakes, its ports watched."""
    shelves, recollection = Shelves({}, 0.0), Recollection()
    bot = Bot(
        knowledge=ObservedKnowledge(shelves, telemetry),
        librarian=shelves,
        embedder=shelves.bag,
        memory=recollection,
        cache=recollection,
        journal=recollection,
        voices=recollection,
        guard=SERVED,
        speaker=ObservedSpeaker(speaker, telemetry) if speaker else None,
        voiced=speaker is not None,
        witness=telemetry.witness,
    )
    return Brain(bot=bot, knowledge=shelves, librarian=shelves, recollection=recollection)


async def ask(bot: Bot, text: str, **more: str) -> Done:
    """Return how a question ended."""
    async with aclosing(bot.answer(Question(text=text, **more))) as events:
        async for event in events:
            if isinstance(event, Done):
                return event
    raise AssertionError("no end")


def shown(telemetry: Telemetry) -> str:
    """Return what a scrape would."""
    return generate_latest(telemetry.meters.registry).decode()


class Remembering:
    """An inbox in memory, and a handler that asks the bot."""

    def __init__(self, bot: Bot) -> None:
        self.bot, self.held = bot, True
        self.heard: list[dict[str, object]] = []

    async def accept(self, arrival: Arrival) -> Work | None:
        return Work(arrival=arrival, id=1)

    async def hold(self, work: Work, placeholder: str = "") -> bool:
        return self.held

    async def handle(self, held: Held) -> str:
        self.heard.append(dict(held.payload))
        await ask(self.bot, str(held.payload["text"]), workspace="slack/T1", conversation="slack/T1/C1/1")
        return "done"


async def test_an_answer_is_counted_and_timed_by_its_end() -> None:
    """Outcome, mode and stages of one answer are there; a question nobody can answer counts as abstained."""
    telemetry, _ = watching()
    brain = await taught(watched_bot(telemetry), TEXTS)
    await ask(brain.bot, "When does the workshop open?")
    await ask(brain.bot, "")
    text = shown(telemetry)
    assert 'vocero_answers_total{cached="false",mode="extractive",outcome="extractive",platform="local"} 1.0' in text
    assert 'outcome="refused"' in text
    assert 'vocero_retrieval_seconds_count{mode="hybrid"} 1.0' in text
    assert 'vocero_stage_seconds_count{stage="retrieve"} 1.0' in text


async def test_one_trace_goes_from_delivery_to_answer() -> None:
    """Receive, message, answer, retrieval and chat share a trace, in this order of parents."""
    telemetry, spans = watching()
    brain = await taught(
        watched_bot(telemetry, Script({"open": "It opens at 8:15 on weekdays [1]."})), TEXTS, "slack/T1"
    )
    fake = Remembering(brain.bot)
    arrival = Arrival(workspace="slack/T1", event_key="E1", conversation="C1", payload={"text": "When does it open?"})
    work = await ObservedInbox(fake, telemetry).accept(arrival)  # type: ignore[arg-type]
    assert work is not None
    # as a process that takes over would get it: from the row
    held = Held(work, fake)  # type: ignore[arg-type]
    assert await ObservedHandler(fake, telemetry).handle(held) == "done"  # type: ignore[arg-type]
    assert fake.heard == [{"text": "When does it open?"}], "the platform gets what it delivered, and no more"
    found = {span.name.split()[0]: span for span in spans.get_finished_spans()}
    assert [parent(found, name) for name in ("message", "answer", "retrieval", "chat")] == [
        "receive",
        "message",
        "answer",
        "answer",
    ]
    assert len({span.context.trace_id for span in found.values()}) == 1


def parent(found: dict[str, ReadableSpan], name: str) -> str:
    """Return the name of a span's parent."""
    above = found[name].parent
    return next(n for n, span in found.items() if above is not None and span.context.span_id == above.span_id)


@pytest.mark.parametrize("content", [False, True])
async def test_texts_are_in_traces_only_when_switched_on(content: bool) -> None:
    """Neither question nor answer nor passage stands in a span by default; metrics never hold them."""
    telemetry, spans = watching(content=content)
    speaker = Script({"open": "The workshop opens at 8:15 on weekdays [1]."})
    brain = await taught(watched_bot(telemetry, speaker), TEXTS)
    await ask(brain.bot, "MARKED when does the workshop open?", conversation="MARKED-ID", user="MARKED-USER")
    told = " ".join(span.to_json() for span in spans.get_finished_spans())
    assert ("MARKED when" in told) is content
    assert ("8:15" in told) is content
    assert "MARKED-ID" not in told
    assert "MARKED-USER" not in told
    assert "MARKED" not in shown(telemetry)


async def test_leaving_an_answer_early_leaves_no_trace_behind() -> None:
    """Who stops listening gets the trace back that was there before; the span is ended and says why."""
    telemetry, spans = watching()
    brain = await taught(watched_bot(telemetry), TEXTS)
    async with aclosing(brain.bot.answer(Question(text="When does the workshop open?"))) as events:
        await anext(events)
    with telemetry.traces.within("after"):
        pass
    found = {span.name: span for span in spans.get_finished_spans()}
    assert found["after"].parent is None
    assert "answer" in found


async def test_answers_at_the_same_time_do_not_mix_their_traces() -> None:
    """Each of twenty questions at once has a trace of its own."""
    telemetry, spans = watching()
    brain = await taught(watched_bot(telemetry), TEXTS)
    await asyncio.gather(*(ask(brain.bot, f"When does the workshop open, {n}?") for n in range(20)))
    finished = spans.get_finished_spans()
    answers = [span for span in finished if span.name == "answer"]
    assert len({span.context.trace_id for span in answers}) == 20
    assert {s.parent.span_id for s in finished if s.parent} == {span.context.span_id for span in answers}


async def test_a_lost_lease_and_a_failing_model_are_counted() -> None:
    """What fences and what the model refuses shows in the metrics, by kind."""
    telemetry, _ = watching()
    fake = Remembering(watched_bot(telemetry).bot)
    fake.held = False
    work = Work(arrival=Arrival(workspace="discord/G1", event_key="E", conversation="", payload={}), id=1)
    assert not await ObservedInbox(fake, telemetry).hold(work)  # type: ignore[arg-type]
    assert 'vocero_fenced_total{platform="discord"} 1.0' in shown(telemetry)


@pytest.mark.parametrize(
    ("path", "base", "method"),
    [
        ("/api/chat.postMessage", "https://slack.com/api/", "chat.postMessage"),
        ("/files-pri/T1-F1/MARKED.pdf", "https://slack.com/api/", "file"),
        ("/api/v10/channels/123/messages/456", "https://discord.com/api/v10", "channels/:id/messages/:id"),
        ("/api/v10/users/@me", "https://discord.com/api/v10", "users/@me"),
        (
            "/api/v10/webhooks/1/aW50ZXJhY3Rpb246MTIzNDU2Nzg5MDEyMzQ1Njc4/messages/@original",
            "https://discord.com/api/v10",
            "webhooks/:id/:id/messages/@original",
        ),
    ],
)
def test_a_call_is_named_without_ids_tokens_or_file_names(path: str, base: str, method: str) -> None:
    """A label has few values: fixed words of a path stay, everything else is :id."""
    assert to_method(path, base) == method


def test_without_a_collector_nothing_is_traced() -> None:
    """No endpoint, no SDK, no span."""
    traces = open_traces(None, "test")
    with traces.within("anything") as span:
        assert not span.is_recording()
    traces.close()


def test_no_label_could_name_a_person_or_a_workspace() -> None:
    """The labels of all metrics are these few."""
    families = Meters("test").registry._names_to_collectors.values()
    labels = {label for family in families for label in getattr(family, "_labelnames", ())}
    assert labels <= {
        *(
            "platform",
            "state",
            "method",
            "code",
            "outcome",
            "mode",
            "cached",
            "stage",
            "result",
            "rung",
            "model",
            "kind",
        ),
        *("part", "version"),
    }
