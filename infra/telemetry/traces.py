"""Traces: from the delivery to the posted answer, with ids, numbers and seconds; texts only when switched on.

The library's interface alone is always there and does nothing; the SDK that sends spans is the extra `traces`.
"""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from opentelemetry import context as contexts
from opentelemetry import trace
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from core.errors import SetupError
from core.inbox import Arrival, Work
from infra.telemetry import names

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

PARENT: Final = "traceparent"  # the key in an arrival's payload, so that whoever takes over continues the trace
FLUSH: Final = 3000  # milliseconds at the end of the process to send what is left
_W3C: Final = TraceContextTextMapPropagator()


@dataclass(frozen=True, slots=True)
class Traces:
    """Where spans begin; `content` says whether they may hold what people wrote."""

    tracer: Tracer
    content: bool = False
    provider: "TracerProvider | None" = None

    @contextmanager
    def within(self, name: str, kind: SpanKind = SpanKind.INTERNAL, **more: Any) -> Iterator[Span]:
        """Open a span that what happens in the block belongs to. Fit for generators: no token is reset."""
        before = contexts.get_current()
        with self.beside(name, kind, **more) as span:
            contexts.attach(trace.set_span_in_context(span, more.get("context")))
            try:
                yield span
            finally:
                contexts.attach(before)

    @contextmanager
    def beside(self, name: str, kind: SpanKind = SpanKind.INTERNAL, **more: Any) -> Iterator[Span]:
        """Open a span for the block; an error is noted by its kind, never by its words."""
        span = self.tracer.start_span(name, kind=kind, **more)
        try:
            yield span
        except BaseException as error:
            span.set_attribute(names.ERROR, type(error).__name__)
            span.set_status(Status(StatusCode.ERROR))
            raise
        finally:
            span.end()

    def close(self) -> None:
        """Send what is left, for a few seconds at most."""
        if self.provider:
            self.provider.force_flush(FLUSH)
            self.provider.shutdown()


def open_traces(endpoint: str | None, part: str, *, content: bool = False) -> Traces:
    """Return traces that go to a collector by OTLP over HTTP; without an endpoint, ones that go nowhere. SetupError."""
    if not endpoint:
        return Traces(trace.NoOpTracerProvider().get_tracer("vocero"))
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        raise SetupError(
            "OTEL_EXPORTER_OTLP_ENDPOINT is set, but what sends traces is not installed: "
            "pip install 'vocero[traces]', or unset it."
        ) from error
    provider = TracerProvider(resource=Resource.create({"service.name": f"vocero-{part}"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces")))
    return Traces(provider.get_tracer("vocero"), content, provider)


def marked(arrival: Arrival) -> Arrival:
    """Return the arrival with the current trace in its payload, if there is one."""
    carrier: dict[str, str] = {}
    _W3C.inject(carrier)
    return replace(arrival, payload={**arrival.payload, PARENT: carrier[PARENT]}) if PARENT in carrier else arrival


def unmarked(work: Work) -> tuple[Work, contexts.Context | None]:
    """Return the work as the platform delivered it, and the trace that it belongs to."""
    payload: Mapping[str, Any] = work.arrival.payload
    if PARENT not in payload:
        return work, None
    rest = {key: value for key, value in payload.items() if key != PARENT}
    context = _W3C.extract({PARENT: str(payload[PARENT])}, contexts.Context())
    return replace(work, arrival=replace(work.arrival, payload=rest)), context


def digest(conversation: str) -> str:
    """Return what stands for a conversation in traces: equal for equal ones, and not its id."""
    return hashlib.blake2s(conversation.encode(), digest_size=8).hexdigest() if conversation else ""
