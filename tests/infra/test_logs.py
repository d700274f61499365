"""Logs: events, in text or JSON, and never what people wrote."""

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from infra.logs import configure

MARKED = "MARKED-MESSAGE-TEXT"


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    """Put logging back as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level
    structlog.reset_defaults()


def fails(text: str) -> None:
    """Fail with somebody's text in a local variable."""
    held = text
    raise RuntimeError(f"broke on {len(held)} characters")


@pytest.mark.parametrize("form", ["text", "json"])
@pytest.mark.parametrize("through", ["structlog", "standard"])
def test_a_traceback_shows_no_local_variables(form: str, through: str) -> None:
    """The place and the error are there, the text in the variables is not."""
    out = io.StringIO()
    configure(form, stream=out)
    try:
        fails(MARKED)
    except RuntimeError:
        if through == "structlog":
            structlog.get_logger("vocero").exception("answer_broke")
        else:
            logging.getLogger("vocero").exception("answer_broke")
    assert "answer_broke" in out.getvalue()
    assert "broke on 19 characters" in out.getvalue()
    assert MARKED not in out.getvalue()


def test_json_is_one_object_a_line() -> None:
    """Each line parses and carries its event, level, time and keys."""
    out = io.StringIO()
    configure("json", stream=out)
    structlog.get_logger("tests.logs").warning("answered", passages=6, cached=False)
    [line] = out.getvalue().splitlines()
    row = json.loads(line)
    assert {"event", "level", "timestamp", "logger", "passages", "cached"} <= set(row)


def test_foreign_chatter_is_left_out() -> None:
    """Libraries that log requests say nothing below an error."""
    out = io.StringIO()
    configure("text", level=logging.INFO, stream=out)
    logging.getLogger("httpx2").info("GET http://x/?q=%s", MARKED)
    logging.getLogger("httpx2").warning("GET http://x/?q=%s", MARKED)
    assert out.getvalue() == ""
