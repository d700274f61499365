"""Bad input: a clear sentence where it was given, an exit code that says so, and the next question works."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.acceptance.conftest import Ran

pytestmark = pytest.mark.slow

Vocero = Callable[..., Ran]
WORKSPACE = "bad-input"


@pytest.fixture
def ask(vocero: Vocero) -> Callable[..., Ran]:
    """Return a function that asks a workspace with one document."""
    vocero("docs", "add", "-", "-w", WORKSPACE, "--title", "Hours", stdin=b"The shop opens at 9:30 on Saturdays.")
    return lambda *words, **more: vocero("ask", *words, "-w", WORKSPACE, **more)


@pytest.mark.parametrize(
    "question",
    [
        "'; drop table vocero.document; --",
        ":foo %s %(x)s {} $1",
        "O'Reilly",
        "ما هي ساعات العمل؟",
        "🏕️🔥🤷‍♀️",
        "\u202egnp.exe what opens",
        "the of and",
        "SELECT pg_sleep(10)",
        "%",
        "[1] [2] [999]",
        "x" * 7_900,
    ],
    ids=["drop", "placeholders", "quote", "rtl", "emoji", "bidi", "stop-words", "sql", "percent", "markers", "long"],
)
def test_odd_questions_are_only_questions(ask: Callable[..., Ran], question: str) -> None:
    """They are answered or honestly not, nothing breaks, and the next one is answered."""
    ran = ask(question, "--json")
    assert ran.code == 0
    assert ran.json["outcome"] in ("abstained", "extractive")
    assert "9:30" in ask("When does the shop open on Saturdays?", "--json").json["answer"]


@pytest.mark.parametrize(
    ("question", "stdin", "reason"),
    [
        ("", b"", "What would you like to know?"),
        ("   \t\n", b"", "What would you like to know?"),
        ("\u200b\u200e", b"", "What would you like to know?"),
        ("-", b"", "What would you like to know?"),
        ("-", b"a" * 100_000, "That is 100,000 characters; please ask in at most 8,000."),
    ],
    ids=["empty", "blank", "invisible", "empty-stdin", "huge"],
)
def test_unusable_questions_are_refused_in_a_sentence(
    ask: Callable[..., Ran], question: str, stdin: bytes, reason: str
) -> None:
    """The reason stands on standard error, the exit code is 1, and in JSON the outcome is `refused`."""
    ran = ask(question, stdin=stdin)
    assert (ran.code, ran.out) == (1, "")
    assert reason in ran.err
    assert ask(question, "--json", stdin=stdin).json["outcome"] == "refused"


def test_bytes_that_are_no_text_do_not_break_a_question(ask: Callable[..., Ran]) -> None:
    """NUL and invalid UTF-8 count as spaces."""
    ran = ask("-", "--json", stdin=b"When does\x00 the shop\xff\xfe open on Saturdays?")
    assert "9:30" in ran.json["answer"]


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["ask", "hello", "-w", "nowhere"], "no workspace 'nowhere'"),
        (["docs", "list", "-w", "nowhere"], "no workspace 'nowhere'"),
        (["docs", "show", "nothing", "-w", WORKSPACE], "nothing"),
        (["docs", "remove", "nothing", "-w", WORKSPACE], "nothing"),
        (["forget", "document", "nothing", "-w", WORKSPACE], "nothing"),
        (["forget", "planet", "x", "-w", WORKSPACE], "'planet' cannot be forgotten"),
        (["ask", "hello", "-w", WORKSPACE, "--scope", "everything"], "'everything' is no scope"),
        (["docs", "add", "/no/such/file", "-w", WORKSPACE], "/no/such/file does not exist"),
        (["docs", "add", "-", "-w", WORKSPACE, "--scope", "all"], "'all' is no scope"),
        (["search", "x", "-w", WORKSPACE, "--mode", "psychic"], "'psychic' is no way of searching"),
        (["ask", "hello", "-w", WORKSPACE, "--arm", "hybrid"], "No voice adapter is live"),
        (["ask", "\udcff", "-w", "\udcff"], "not valid UTF-8"),
        (["run", "teapot"], "'teapot' is no part of the bot"),
    ],
    ids=lambda v: "-".join(v)[:40].encode("ascii", "replace").decode() if isinstance(v, list) else "",
)
def test_what_does_not_exist_is_named(ask: Callable[..., Ran], vocero: Vocero, words: list[str], reason: str) -> None:
    """One sentence on standard error that names it, exit code 1, no traceback."""
    del ask
    ran = vocero(*words)
    assert ran.code == 1
    assert reason in ran.err
    assert "Traceback" not in ran.err
    assert ran.err.strip().count("\n") == 0


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b" \n\t ", "empty"),
        (bytes(range(256)) * 8, ""),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "image"),
        (b"%PDF-1.4\ngarbage", ""),
        (b"PK\x03\x04" + bytes(60), ""),
        (b"\x7fELF" + bytes(60), ""),
    ],
    ids=["empty", "blank", "binary", "png", "broken-pdf", "broken-zip", "program"],
)
def test_documents_that_cannot_be_read_say_why(
    ask: Callable[..., Ran], vocero: Vocero, tmp_path: Path, content: bytes, reason: str
) -> None:
    """The document fails with a reason, the exit code is 1, and what was known stays known."""
    file = tmp_path / "document.bin"
    file.write_bytes(content)
    ran = vocero("docs", "add", str(file), "-w", WORKSPACE, "--json")
    assert ran.code == 1
    [row] = ran.json
    assert row["state"] == "failed"
    assert reason in row["reason"]
    assert len(row["reason"]) > 20
    assert "9:30" in ask("When does the shop open on Saturdays?", "--json").json["answer"]


def test_a_private_address_is_never_fetched(vocero: Vocero) -> None:
    """The machine's own and its network's addresses are refused with a reason."""
    ran = vocero("docs", "add", "http://127.0.0.1:1/", "http://169.254.169.254/latest", "-w", WORKSPACE, "--json")
    assert ran.code == 1
    assert [r["state"] for r in ran.json] == ["failed", "failed"]
    assert all(r["reason"] for r in ran.json)


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"VOCERO_DATABASE_URL": "postgresql://nobody:x@127.0.0.1:1/x"}, "database"),
        ({"VOCERO_MODEL_URL": "not a url"}, "VOCERO_MODEL_URL is not right"),
        ({"VOCERO_MODEL_FILE": "/no/such.gguf"}, "/no/such.gguf"),
        ({"VOCERO_HOME": "/proc/vocero"}, "/proc/vocero"),
    ],
    ids=["database", "model-url", "model-file", "home"],
)
def test_a_wrong_setting_ends_in_a_sentence(vocero: Vocero, settings: dict[str, str], reason: str) -> None:
    """What cannot be reached or used is named with its remedy, at the start."""
    ran = vocero("ask", "hello", "-w", WORKSPACE, **settings)
    assert ran.code == 1
    assert reason in ran.err
    assert "Traceback" not in ran.err


def test_a_dead_model_server_costs_only_the_model(ask: Callable[..., Ran]) -> None:
    """With a model server that cannot be reached the answer is quoted, and says so."""
    answer = ask("When does the shop open on Saturdays?", "--json", VOCERO_MODEL_URL="http://127.0.0.1:1").json
    assert answer["outcome"] == "extractive"
    assert "9:30" in answer["answer"]
    assert any("language model is not answering" in note for note in answer["notes"])


def test_a_dead_redis_costs_only_the_cache(ask: Callable[..., Ran]) -> None:
    """With a Redis that cannot be reached the answer comes all the same."""
    answer = ask("When does the shop open on Saturdays?", "--json", VOCERO_REDIS_URL="redis://127.0.0.1:1/0").json
    assert "9:30" in answer["answer"]
    assert answer["cached"] is False
