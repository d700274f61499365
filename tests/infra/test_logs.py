"""Logs: events, in text or JSON, and never what people wrote."""

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from core.errors import KnowledgeDown
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
    raise RuntimeError(f"broke on {held}")


@pytest.mark.parametrize("form", ["text", "json"])
@pytest.mark.parametrize("through", ["structlog", "standard"])
def test_a_traceback_shows_the_place_and_nobodys_words(form: str, through: str) -> None:
    """The place and the error's kind are there; neither variables nor the error's own words are."""
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
    assert "in fails" in out.getvalue()
    assert "RuntimeError" in out.getvalue()
    assert MARKED not in out.getvalue()


def test_what_led_to_an_error_is_shown_and_sentences_of_ours_stay() -> None:
    """The chain of errors is there; the database's remedy can be read, and a foreign error's number."""
    out = io.StringIO()
    configure("json", stream=out)
    try:
        try:
            raise OSError(28, f"No space left for {MARKED}")
        except OSError as error:
            raise KnowledgeDown("The database's disk is full: free space on it.") from error
    except KnowledgeDown:
        structlog.get_logger("vocero").exception("answer_broke")
    told = json.loads(out.getvalue())["exception"]
    assert "OSError (28)" in told
    assert told.endswith("core.errors.KnowledgeDown: The database's disk is full: free space on it.")
    assert MARKED not in told


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
