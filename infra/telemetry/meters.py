"""Every metric, in one place: its name, what it counts, and which labels it has.

No label holds a workspace, a person or a text: a few hundred time series a process, however many workspaces there are.
"""

from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
)

QUICK: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)  # a database, a cache, a loop
SLOW: Final = (0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0)  # a model, a platform, a whole answer
LEARNING: Final = (0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)  # a document

disable_created_metrics()  # type: ignore[no-untyped-call]  # a third of all series, read by nobody


class Meters:
    """The metrics of one process, on a registry of its own."""

    def __init__(self, part: str = "vocero") -> None:
        self.registry = CollectorRegistry()
        self._chat()
        self._answers()
        self._services()
        self._stores()
        ProcessCollector(registry=self.registry)
        self.up = Gauge("vocero_up", "1: the part runs", ["part", "version"], registry=self.registry)
        self.up.labels(part, _version()).set(1)
        self.ready = Gauge("vocero_ready", "1 while the part takes work", registry=self.registry)

    def names(self) -> set[str]:
        """Return the name of every time series that can be asked for, such as vocero_accept_seconds_bucket."""
        found = set()
        for family in self.registry.collect():
            tails = {"counter": ("_total",), "histogram": ("_bucket", "_count", "_sum")}.get(family.type, ("",))
            found |= {family.name + tail for tail in tails}
        return found

    def fill(self, *, connections: Mapping[str, int] | None = None, waiting: Mapping[str, float] | None = None) -> None:
        """Set the gauges of the connections, and those of what waits in the database."""
        for state, n in (connections or {}).items():
            self.pool.labels(state).set(n)
        if waiting:
            self.inbox.set(waiting["inbox"])
            self.inbox_oldest.set(waiting["inbox_oldest"])
            self.jobs.labels("todo").set(waiting["todo"])
            self.jobs.labels("doing").set(waiting["doing"])
            self.jobs_oldest.set(waiting["doing_oldest"])

    def _counter(self, name: str, what: str, *labels: str) -> Counter:
        return Counter(f"vocero_{name}", what, labels, registry=self.registry)

    def _gauge(self, name: str, what: str, *labels: str) -> Gauge:
        return Gauge(f"vocero_{name}", what, labels, registry=self.registry)

    def _timer(self, name: str, what: str, *labels: str, buckets: tuple[float, ...] = SLOW) -> Histogram:
        return Histogram(f"vocero_{name}_seconds", what, labels, buckets=buckets, registry=self.registry)

    def _chat(self) -> None:
        self.received = self._counter("events_received", "deliveries made durable", "platform")
        self.duplicate = self._counter("events_duplicate", "deliveries that had been accepted before", "platform")
        self.unaccepted = self._counter("events_unaccepted", "deliveries that could not be made durable", "platform")
        self.accept = self._timer("accept", "seconds until a delivery is durable", "platform", buckets=QUICK)
        self.ended = self._counter("works_ended", "deliveries dealt with, by their end", "platform", "state")
        self.taken_over = self._counter("lease_taken_over", "works taken over from a process that was lost", "platform")
        self.fenced = self._counter("fenced", "writes refused because another process had the work", "platform")
        self.called = self._timer("platform_call", "seconds of a call of a platform", "platform", "method", "code")
        self.limited = self._counter("platform_limited", "calls that a platform refused with 429", "platform", "method")

    def _answers(self) -> None:
        self.answers = self._counter("answers", "answers by how they ended", "platform", "outcome", "mode", "cached")
        self.answer = self._timer("answer", "seconds from question to whole answer", "outcome")
        self.first_shown = self._timer("first_shown", "seconds from question to the first sentence shown")
        self.stage = self._timer("stage", "seconds of one stage of an answer", "stage")
        self.degraded = self._counter("degraded", "answers with less than usual: the rung of the ladder", "rung")

    def _services(self) -> None:
        self.retrieval = self._timer("retrieval", "seconds of one search", "mode", buckets=QUICK)
        self.embed = self._timer("embed", "seconds of one request to the embedder", buckets=QUICK)
        self.model = self._timer("model", "seconds of one generation", "model")
        self.model_first = self._timer("model_first_token", "seconds to the first token", "model")
        self.model_inflight = self._gauge("model_inflight", "generations under way, waiting ones included")
        self.model_errors = self._counter("model_errors", "generations that failed, by kind", "kind")
        self.embed_errors = self._counter("embed_errors", "requests to the embedder that failed")
        self.redis_errors = self._counter("redis_errors", "calls of Redis that failed or were not tried")
        self.learned = self._counter("ingest", "documents learned or refused", "state")
        self.learning = self._timer("ingest", "seconds to learn a document", "state", buckets=LEARNING)

    def _stores(self) -> None:
        self.lag = self._timer("eventloop_lag", "seconds that the event loop was late", buckets=QUICK)
        self.pool = self._gauge("db_pool", "database connections of this process", "state")
        self.inbox = self._gauge("inbox_depth", "deliveries not dealt with, of all replicas")
        self.inbox_oldest = self._gauge("inbox_oldest_seconds", "age of the oldest delivery not dealt with")
        self.jobs = self._gauge("ingest_jobs", "documents in the queue", "state")
        self.jobs_oldest = self._gauge("ingest_oldest_doing_seconds", "age of the oldest document in hand")


def _version() -> str:
    try:
        return version("vocero")
    except PackageNotFoundError:  # run from a folder that was never installed
        return "unknown"
