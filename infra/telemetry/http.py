"""Calls of the platforms, timed and traced by aiohttp itself: the method's name and the code, never what was said."""

import re
import time
from types import SimpleNamespace
from typing import Any, Final
from urllib.parse import urlsplit

import aiohttp
from opentelemetry import trace
from opentelemetry.trace import SpanKind, Status, StatusCode

from infra.telemetry import names
from infra.telemetry.meters import Meters
from infra.telemetry.traces import Traces

FILE: Final = "file"  # an address outside of the API: its path may hold a file's name
_WORD: Final = re.compile(r"@?[a-z][a-zA-Z.-]{0,40}")  # what a path's fixed parts look like; ids and tokens do not


def to_method(path: str, base: str) -> str:
    """Return a call's name with few values: `chat.postMessage`, `channels/:id/messages`; `file` outside of the API."""
    root = urlsplit(base).path.rstrip("/")
    if not path.startswith(root + "/"):
        return FILE
    parts = path.removeprefix(root).strip("/").split("/")
    return "/".join(part if _WORD.fullmatch(part) and len(part) < 32 else ":id" for part in parts[:6])


def to_trace_config(platform: str, base: str, meters: Meters, traces: Traces) -> aiohttp.TraceConfig:
    """Return what a session is opened with."""

    async def begin(_: Any, call: SimpleNamespace, params: aiohttp.TraceRequestStartParams) -> None:
        call.began, call.method = time.perf_counter(), to_method(params.url.path, base)
        call.span = None
        if trace.get_current_span().get_span_context().is_valid:  # only what belongs to somebody's message
            call.span = traces.tracer.start_span(f"post {call.method}", kind=SpanKind.CLIENT)
            call.span.set_attribute(names.PLATFORM, platform)

    def end(call: SimpleNamespace, code: str) -> None:
        meters.called.labels(platform, call.method, code).observe(time.perf_counter() - call.began)
        if code == "429":
            meters.limited.labels(platform, call.method).inc()
        if call.span is not None:
            call.span.set_attribute(names.STATUS, code)
            if not code.startswith(("2", "3")):
                call.span.set_status(Status(StatusCode.ERROR))
            call.span.end()

    async def ended(_: Any, call: SimpleNamespace, params: aiohttp.TraceRequestEndParams) -> None:
        end(call, str(params.response.status))

    async def broke(_: Any, call: SimpleNamespace, params: aiohttp.TraceRequestExceptionParams) -> None:
        end(call, type(params.exception).__name__)

    config = aiohttp.TraceConfig()
    config.on_request_start.append(begin)
    config.on_request_end.append(ended)
    config.on_request_exception.append(broke)
    return config
