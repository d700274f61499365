"""The ports, watched: each class does what the one it holds does, and counts, times and traces it."""

import json
import time
from collections.abc import AsyncIterator, Collection, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any, Final

from opentelemetry.trace import SpanKind

from core.audience import Audience
from core.errors import BotError, EmbedderDown
from core.inbox import Arrival, Inbox, Work
from core.messages import Answer, Question
from core.ports import Embedder, Found, Knowledge, Shelf, Speaker
from core.prompt import Prompt
from core.reception import Handler, Held
from core.watch import Seen
from infra.telemetry import names
from infra.telemetry.meters import Meters
from infra.telemetry.traces import Traces, digest, marked, unmarked

STAGES: Final = ("recall", "cache", "retrieve", "generate")


@dataclass(frozen=True, slots=True)
class Telemetry:
    """What one process is watched with."""

    meters: Meters
    traces: Traces

    @contextmanager
    def witness(self, question: Question) -> Iterator[Seen]:
        """Watch one question; given to the bot."""
        platform, traces = platform_of(question.workspace), self.traces
        with traces.within("answer") as span:
            span.set_attribute(names.PLATFORM, platform)
            span.set_attribute(names.CONVERSATION, digest(question.conversation))
            span.set_attribute(names.CHARACTERS, len(question.text))
            if traces.content:
                span.set_attribute(names.INPUT, _messages("user", question.text))

            def seen(answer: Answer) -> None:
                self._count(platform, answer)
                span.set_attribute(names.OUTCOME, answer.outcome.value)
                span.set_attribute(names.CACHED, answer.cached)
                span.set_attribute(names.ARM, answer.arm.value)
                span.set_attribute(names.MODE, answer.mode.value)
                if traces.content:
                    span.set_attribute(names.OUTPUT, _messages("assistant", answer.text))

            yield seen

    def _count(self, platform: str, answer: Answer) -> None:
        meters, timings = self.meters, answer.timings
        outcome = answer.outcome.value
        meters.answers.labels(platform, outcome, answer.mode.value, str(answer.cached).lower()).inc()
        meters.answer.labels(outcome).observe(timings.total)
        if timings.first_shown is not None:
            meters.first_shown.observe(timings.first_shown)
        for stage in STAGES:
            if (seconds := getattr(timings, stage)) is not None:
                meters.stage.labels(stage).observe(seconds)
        if outcome == "failed":
            meters.degraded.labels("apology").inc()


def platform_of(workspace: str) -> str:
    """Return where a workspace is: slack, discord, or local; few values, whatever the name."""
    platform = workspace.partition("/")[0]
    return platform if platform in ("slack", "discord") else "local"


def _messages(role: str, text: str) -> str:
    return json.dumps([{"role": role, "parts": [{"type": "text", "content": text}]}], ensure_ascii=False)


class ObservedKnowledge:
    """The port `Knowledge`."""

    def __init__(self, knowledge: Knowledge, telemetry: Telemetry) -> None:
        self._inner, self._seen = knowledge, telemetry

    async def shelf(self, workspace: str, audience: Audience) -> Shelf:
        """Return what may be read."""
        return await self._inner.shelf(workspace, audience)

    async def retrieve(
        self, query: str, *, workspace: str, audience: Audience, limit: int, mode: str = "hybrid"
    ) -> Found:
        """Return passages."""
        meters, traces = self._seen.meters, self._seen.traces
        with traces.within("retrieval documents", SpanKind.CLIENT) as span:
            span.set_attribute(names.OPERATION, "retrieval")
            if traces.content:
                span.set_attribute(names.QUERY, query)
            began = time.perf_counter()
            found = await self._inner.retrieve(query, workspace=workspace, audience=audience, limit=limit, mode=mode)
            meters.retrieval.labels(mode).observe(time.perf_counter() - began)
            documents = [{"id": p.chunk, "score": round(p.score, 6)} for p in found.passages]
            span.set_attribute(names.DOCUMENTS, json.dumps(documents))
            span.set_attribute(names.DEGRADED, bool(found.degraded))
            if found.degraded:
                meters.degraded.labels("full_text").inc()
            return found


class ObservedEmbedder:
    """The port `Embedder`."""

    def __init__(self, embedder: Embedder, telemetry: Telemetry) -> None:
        self._inner, self._seen = embedder, telemetry

    @property
    def name(self) -> str:
        """The model's name."""
        return self._inner.name

    @property
    def dimensions(self) -> int:
        """The length of every vector."""
        return self._inner.dimensions

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """Return one vector a text."""
        meters, began = self._seen.meters, time.perf_counter()
        with self._seen.traces.beside(f"embeddings {self.name}", SpanKind.CLIENT) as span:
            span.set_attribute(names.OPERATION, "embeddings")
            span.set_attribute(names.MODEL, self.name)
            span.set_attribute(names.EMBEDDED_BY, self.dimensions)
            span.set_attribute(names.TEXTS, len(texts))
            try:
                vectors = await self._inner.embed(texts)
            except EmbedderDown:
                meters.embed_errors.inc()
                raise
            meters.embed.observe(time.perf_counter() - began)
            return vectors


class ObservedSpeaker:
    """The port `Speaker`."""

    def __init__(self, speaker: Speaker, telemetry: Telemetry) -> None:
        self._inner, self._seen = speaker, telemetry

    @property
    def name(self) -> str:
        """The served model's name."""
        return self._inner.name

    @asynccontextmanager
    async def speak(
        self, prompt: Prompt, *, adapter: str | None = None, max_tokens: int
    ) -> AsyncIterator[AsyncIterator[str]]:
        """Open a stream of deltas."""
        meters, model, began = self._seen.meters, self.name, time.perf_counter()
        meters.model_inflight.inc()
        with self._seen.traces.beside(f"chat {model}", SpanKind.CLIENT) as span:
            span.set_attribute(names.OPERATION, "chat")
            span.set_attribute(names.MODEL, model)
            span.set_attribute(names.ADAPTER, adapter or "")
            try:
                async with self._inner.speak(prompt, adapter=adapter, max_tokens=max_tokens) as deltas:
                    meters.model_first.labels(model).observe(time.perf_counter() - began)
                    yield deltas
                meters.model.labels(model).observe(time.perf_counter() - began)
            except BotError as error:
                meters.model_errors.labels(str(getattr(error, "kind", type(error).__name__))).inc()
                meters.degraded.labels("extractive").inc()
                raise
            finally:
                meters.model_inflight.dec()


class ObservedInbox:
    """The port `Inbox`; a delivery carries its trace, so that a process that takes it over continues it."""

    def __init__(self, inbox: Inbox, telemetry: Telemetry) -> None:
        self._inner, self._seen = inbox, telemetry

    async def accept(self, arrival: Arrival) -> Work | None:
        """Make the arrival durable."""
        meters, platform, began = self._seen.meters, platform_of(arrival.workspace), time.perf_counter()
        with self._seen.traces.within("receive", SpanKind.SERVER) as span:
            span.set_attribute(names.PLATFORM, platform)
            try:
                work = await self._inner.accept(marked(arrival))
            except BotError:
                meters.unaccepted.labels(platform).inc()
                raise
        meters.accept.labels(platform).observe(time.perf_counter() - began)
        (meters.received if work else meters.duplicate).labels(platform).inc()
        return work

    async def claim(self, work: Work, message_key: str) -> bool:
        """Claim the message."""
        return await self._inner.claim(work, message_key)

    async def hold(self, work: Work, placeholder: str = "") -> bool:
        """Extend the lease."""
        return self._fenced(work, await self._inner.hold(work, placeholder))

    async def settle(self, work: Work, state: str = "done") -> bool:
        """End the work."""
        self._seen.meters.ended.labels(platform_of(work.arrival.workspace), state).inc()
        return self._fenced(work, await self._inner.settle(work, state))

    async def release(self, work: Work) -> None:
        """Let another process take over."""
        await self._inner.release(work)

    async def defer(self, work: Work, seconds: float) -> None:
        """Put it off."""
        await self._inner.defer(work, seconds)

    async def behind(self, work: Work, own: Collection[int]) -> bool:
        """Look for an earlier one."""
        return await self._inner.behind(work, own)

    async def waited(self, work: Work) -> tuple[int, float]:
        """Return how often it was put off, and its age."""
        return await self._inner.waited(work)

    async def reap(self, platform: str, most: int) -> list[Work]:
        """Take over what expired."""
        works = await self._inner.reap(platform, most)
        for work in works:
            self._seen.meters.taken_over.labels(platform_of(work.arrival.workspace)).inc()
        return works

    def _fenced(self, work: Work, held: bool) -> bool:
        if not held:
            self._seen.meters.fenced.labels(platform_of(work.arrival.workspace)).inc()
        return held


class ObservedHandler:
    """The port `Handler`: the root of what is done for one delivery, and of its retries."""

    def __init__(self, handler: Handler, telemetry: Telemetry) -> None:
        self._inner, self._traces = handler, telemetry.traces

    async def handle(self, held: Held) -> str:
        """Do the work and return its end."""
        with self._message(held, "message") as span:
            state = await self._inner.handle(held)
            span.set_attribute(names.STATE, state)
            return state

    async def give_up(self, held: Held) -> None:
        """Tell the asker that it cannot be done."""
        with self._message(held, "give up"):
            await self._inner.give_up(held)

    @contextmanager
    def _message(self, held: Held, name: str) -> Iterator[Any]:
        held.work, context = unmarked(held.work)
        with self._traces.within(name, SpanKind.CONSUMER, context=context) as span:
            span.set_attribute(names.PLATFORM, platform_of(held.work.arrival.workspace))
            span.set_attribute(names.ATTEMPT, held.work.attempt)
            yield span
