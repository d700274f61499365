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


def configure(form: str, *, level: int = logging.WARNING, stream: TextIO | None = None) -> None:
    """Send structlog and the standard library to one stream; `form` is text or json."""
    render: structlog.typing.Processor = (
        structlog.processors.JSONRenderer() if form == "json" else structlog.dev.ConsoleRenderer(colors=False)
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
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, render],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in _QUIET:
        logging.getLogger(name).setLevel(max(level, logging.ERROR))
