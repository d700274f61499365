"""Logs are events with literal keys, on standard error; never the text of a message."""

import logging
import sys
import traceback
from typing import Final, TextIO

import structlog

from core.errors import SetupError, UnavailableError

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


CHAIN: Final = 8  # errors that led to one another
_BECAUSE: Final = "The above error led to the following one:"
_FORMATTER = structlog.stdlib.ProcessorFormatter


class _StandardError(logging.StreamHandler[TextIO]):
    """Writes to what standard error is at that moment."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> TextIO:  # type: ignore[override]
        """Return it."""
        return sys.stderr


def wordless(exc_info: structlog.typing.ExcInfo) -> str:
    """Return a traceback without local variables and without the errors' own words: both may hold what people wrote.

    An error of ours whose sentences are fixed keeps them; a database's keeps its SQLSTATE, a system's its number.
    """
    shown: list[str] = []
    error: BaseException | None = exc_info[1]
    while error is not None and len(shown) < CHAIN:
        frames = "".join(traceback.format_tb(error.__traceback__))
        shown.append(f"Traceback (most recent call last):\n{frames}{_named(error)}")
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return f"\n\n{_BECAUSE}\n\n".join(reversed(shown))


def _named(error: BaseException) -> str:
    kind = type(error)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    if isinstance(error, (UnavailableError, SetupError)):
        return f"{name}: {error}"
    number = getattr(error, "sqlstate", None) or getattr(error, "errno", None)
    return f"{name} ({number})" if number else name


_WORDLESS: Final = structlog.processors.ExceptionRenderer(wordless)


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
    handler = logging.StreamHandler(stream) if stream else _StandardError()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _WORDLESS, render],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [h for h in root.handlers if not isinstance(h.formatter, _FORMATTER)] + [handler]
    root.setLevel(level)
    for name in _QUIET:
        logging.getLogger(name).setLevel(max(level, logging.ERROR))
