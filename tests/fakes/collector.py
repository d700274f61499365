"""A collector of traces: takes OTLP over HTTP, keeps the bytes as they came and the spans in them."""

from typing import Any, Self

from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


class Collector:
    """`async with Collector() as collector:`, then `OTEL_EXPORTER_OTLP_ENDPOINT=collector.url`."""

    def __init__(self) -> None:
        self.raw: list[bytes] = []
        self.spans: list[Any] = []
        self.services: set[str] = set()

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=64 << 20)
        app.router.add_post("/v1/traces", self._take)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    @property
    def url(self) -> str:
        """The address of the fake."""
        return f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def _take(self, request: web.Request) -> web.Response:
        body = await request.read()
        if request.headers.get("Content-Encoding") == "gzip":
            import gzip

            body = gzip.decompress(body)
        self.raw.append(body)
        told = ExportTraceServiceRequest.FromString(body)
        for group in told.resource_spans:
            self.services |= {a.value.string_value for a in group.resource.attributes if a.key == "service.name"}
            for scope in group.scope_spans:
                self.spans += scope.spans
        return web.Response(content_type="application/x-protobuf")
