"""Logs are events with literal keys, on standard error; never the text of a message."""

import logging
import sys
from typing import TextIO

import structlog

# Foreign libraries say little worth reading, and some of it holds what people wrote.
_QUIET = (
    "httpx",
    "httpx2",
    "httpcore",
    "httpcore2",
    "psycopg",
    "psycopg.pool",
    "asyncio",
    "nicegui",
    "uvicorn",
    "watchfiles",
)


_FORMATTER = structlog.stdlib.ProcessorFormatter


class _StandardError(logging.StreamHandler[TextIO]):
    """Writes to what standard error is at that moment."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> TextIO:  # type: ignore[override]
        """Return it."""
        return sys.stderr


def configure(form: str, *, level: int = logging.WARNING, stream: TextIO | None = None) -> None:
    """Send structlog and the standard library to one stream; `form` is text or json."""
    render: structlog.typing.Processor = (
        structlog.processors.JSONRenderer()
        if form == "json"
        else structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
    )
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    # never with local variables: they hold what people wrote
    traces: list[structlog.typing.Processor] = [structlog.processors.format_exc_info] if form == "json" else []
    handler = logging.StreamHandler(stream) if stream else _StandardError()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *traces, render],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [h for h in root.handlers if not isinstance(h.formatter, _FORMATTER)] + [handler]
    root.setLevel(level)
    for name in _QUIET:
        logging.getLogger(name).setLevel(max(level, logging.ERROR))
