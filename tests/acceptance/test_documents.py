"""Documents by the command line: every kind, every change and its way back, and a sentence for whatever cannot be."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.acceptance.conftest import ROOT, Ran
from tests.infra.knowledge.files import column, docx, paragraph, pdf
from tests.infra.knowledge.test_formats import mail, saved, slides, workbook

pytestmark = pytest.mark.slow

Vocero = Callable[..., Ran]
SPACE = "documents"
KEY = "AK" + "IAQ7XN2VRTLW4NBYD9"


@pytest.fixture
def add(vocero: Vocero) -> Callable[..., Ran]:
    """Return a function that pastes a text under a title."""
    return lambda text, title, *more: vocero(
        "docs", "add", "-", "-w", SPACE, "--title", title, "--json", *more, stdin=text.encode()
    )


def test_every_kind_of_file_is_learned(vocero: Vocero, tmp_path: Path) -> None:
    """A folder of everything: each indexed, and the facts in them are found."""
    letter = mail()
    letter.set_content("The mail says falcon.")
    files = {
        "a.md": b"# A\n\nMarkdown says heron.",
        "b.txt": "Text says gr\u00fcn.".encode("utf-16"),
        "c.html": b"<html><title>C</title><p>The page says kestrel.</p></html>",
        "d.pdf": pdf(column("The paper says merlin.")),
        "e.docx": docx(paragraph("The memo says osprey.")),
        "f.pptx": saved(slides("The slide says plover")),
        "g.xlsx": saved(workbook([["Bird", "Count"], ["redwing", 3]])),
        "h.csv": b"Bird,Count\nsiskin,4\n",
        "i.eml": bytes(letter),
        "j.json": b'{"bird": "turnstone"}',
        "k.xml": b"<?xml version='1.0'?><bird>whinchat</bird>",
    }
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    ran = vocero("docs", "add", str(tmp_path), "-w", "kinds", "--json")
    assert [row["state"] for row in ran.json] == ["indexed"] * len(files), ran.json
    for bird in ("heron", "grün", "kestrel", "merlin", "osprey", "plover", "redwing", "siskin", "falcon", "turnstone"):
        assert bird in vocero("search", bird, "-w", "kinds", "--mode", "lexical", "--json").json[0]["text"].lower()


def test_changes_are_made_and_taken_back(vocero: Vocero, add: Callable[..., Ran]) -> None:
    """Edit, undo, share, default collection, remove, undo: the list says each time where things stand."""
    add("The desk opens at nine.", "Desk")
    [edited] = add("The desk opens at ten.", "Desk").json
    [undone] = vocero("docs", "undo", "Desk", "-w", SPACE, "--json").json
    assert (undone["document"], undone["state"]) == (edited["document"], "indexed")
    assert "nine" in vocero("search", "desk opens", "-w", SPACE, "--json").json[0]["text"]
    [shared] = vocero("docs", "share", "Desk", "--scope", "channel:C7", "-w", SPACE, "--json").json
    assert (shared["scope"], shared["collection"]) == ("channel:C7", "channel:C7")
    assert "people" in vocero("docs", "default", "people", "--scope", "channel:C8", "-w", SPACE).out
    [row] = add("For some.", "Some", "--scope", "channel:C8").json
    listed = {d["id"]: d for d in vocero("docs", "list", "-w", SPACE, "--json").json}
    assert listed[row["document"]]["collection"] == "people"
    vocero("docs", "remove", "Desk", "-w", SPACE)
    assert vocero("docs", "undo", "-w", SPACE, "--json").json[0]["state"] == "indexed"
    status = vocero("docs", "status", "Desk", "-w", SPACE, "--json").json[0]
    assert {"state", "stage", "attempt", "deadline", "reason"} <= set(status)


def test_a_secret_is_not_learned_unless_it_is_allowed(vocero: Vocero, add: Callable[..., Ran]) -> None:
    """The reason names the kind and never the secret."""
    ran = add(f"Our key is {KEY}.", "Keys")
    assert (ran.code, ran.json[0]["state"]) == (1, "failed")
    assert ran.json[0]["reason"].startswith("secret found (an AWS access key)")
    assert KEY not in ran.out + ran.err + vocero("docs", "status", "-w", SPACE, "--json").out
    assert add(f"Our key is {KEY}.", "Keys", "--allow-secrets").json[0]["state"] == "indexed"


def test_a_receipt_tells_what_was_asked_before_and_after(vocero: Vocero, add: Callable[..., Ran]) -> None:
    """Probes found it before and not after; a person and a conversation leave receipts, too."""
    add("The secret garden closes at dusk.", "Garden")
    proof = vocero("forget", "document", "Garden", "-w", SPACE).json
    assert [(probe["before"] > 0, probe["after"]) for probe in proof["probes"]] == [(True, 0)]
    assert "garden" not in json.dumps(proof).lower().replace(SPACE, "")
    for kind in ("user", "conversation"):
        assert {"turns", "answer records", "gaps", "examples"} <= set(
            vocero("forget", kind, "nobody", "-w", SPACE).json["gone"]
        )


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["docs", "refresh", "Nothing", "-w", SPACE], "no document 'Nothing'"),
        (["docs", "refresh", "-w", SPACE], "Name the documents to refresh, or say --all"),
        (["docs", "refresh", "Plain", "-w", SPACE], "add its new version"),
        (["docs", "undo", "Nothing", "-w", SPACE], "no document 'Nothing'"),
        (["docs", "undo", "-w", "nowhere"], "no workspace 'nowhere'"),
        (["docs", "share", "Nothing", "--scope", "workspace", "-w", SPACE], "no document 'Nothing'"),
        (["docs", "share", "Plain", "--scope", "everyone", "-w", SPACE], "'everyone' is no scope"),
        (["docs", "default", "general", "--scope", "channel:C1", "-w", SPACE], "general"),
        (["docs", "default", "x", "--scope", "workspace", "-w", "nowhere"], "no workspace 'nowhere'"),
        (["docs", "add", __file__, "--depth", "2", "-w", SPACE], "is no address"),
        (["forget", "user", "u1", "-w", "nowhere"], "no workspace 'nowhere'"),
        (["reindex", "--embedding-model", "no-such-model"], "The embedder is all-MiniLM"),
    ],
    ids=lambda v: "-".join(v)[:30] if isinstance(v, list) else "",
)
def test_what_cannot_be_says_why(vocero: Vocero, add: Callable[..., Ran], words: list[str], reason: str) -> None:
    """One sentence on standard error, exit code 1, no traceback."""
    add("Plain words.", "Plain")
    ran = vocero(*words)
    assert ran.code == 1
    assert reason in ran.err
    assert "Traceback" not in ran.err
    assert ran.err.strip().count("\n") == 0


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b"x" * 5_000_001, "5,000,000 characters"),
        (b"\xff\xfe\x00\xd8\x00\xd8", ""),
        (pdf(column("secret"), locked=True), "password-protected"),
        (pdf([], image=True), "scanned"),
        (b'{"a": ', "JSON"),
    ],
    ids=["empty", "long", "invalid-utf16", "locked", "scanned", "broken-json"],
)
def test_what_cannot_be_read_leaves_what_was(vocero: Vocero, tmp_path: Path, content: bytes, reason: str) -> None:
    """The document fails with its reason, and the version before stays."""
    suffix = "pdf" if content.startswith(b"%PDF") else "json" if content.startswith(b"{") else "txt"
    file = tmp_path / f"document.{suffix}"
    file.write_bytes(pdf(column("The good version.")) if suffix == "pdf" else b'{"the": "good version"}')
    assert vocero("docs", "add", str(file), "-w", SPACE, "--json").json[0]["state"] == "indexed"
    file.write_bytes(content)
    ran = vocero("docs", "add", str(file), "-w", SPACE, "--json")
    [row] = ran.json
    assert (ran.code, row["state"], row["chunks"]) == (1, "failed", 1)
    assert reason in row["reason"]
    assert vocero("docs", "show", str(file), "-w", SPACE, "--json").json["pieces"]


@pytest.fixture
def worker(home: Path) -> Iterator["subprocess.Popen[str]"]:
    """A worker process on the session's home, ended by SIGTERM."""
    environment = {**os.environ, "VOCERO_HOME": str(home)}
    command = [sys.executable, "-c", "from bots.cli import main; import sys; sys.argv[1:] = ['run', 'worker']; main()"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=environment)
    assert process.stdout is not None
    assert any("The worker takes documents" in line for line in process.stdout)
    yield process
    process.send_signal(signal.SIGTERM)
    assert "The worker has ended." in process.stdout.read()
    assert process.wait(30) == 0
    process.stdout.close()


def test_a_living_worker_takes_what_is_added(vocero: Vocero, worker: "subprocess.Popen[str]") -> None:
    """`docs add` only queues; the worker learns it; with --wait it is learned here; SIGTERM ends the worker well."""
    assert worker.poll() is None
    until = time.monotonic() + 20
    number = 0
    while True:  # its first sign of life may be a moment away
        number += 1
        [row] = vocero(
            "docs", "add", "-", "-w", "queue", "--title", f"Q{number}", "--json", stdin=b"Queued words."
        ).json
        if row["state"] == "queued" or time.monotonic() > until:
            break
    assert row["state"] == "queued"
    while vocero("docs", "status", f"Q{number}", "-w", "queue", "--json").json[0]["state"] != "indexed":
        assert time.monotonic() < until + 20
    waited = vocero("docs", "add", "-", "-w", "queue", "--title", "W", "--wait", "--json", stdin=b"Waited words.")
    assert waited.json[0]["state"] == "indexed"
