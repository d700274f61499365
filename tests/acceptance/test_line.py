"""One real line: teach, ask, be answered with a source, be told honestly, take back, ask again."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.acceptance.conftest import Ran

Vocero = Callable[..., Ran]
HOURS = b"The workshop in Alderbeck opens at 8:15 on weekdays. Ask for the key at the hire desk."


@pytest.fixture
def taught(vocero: Vocero, request: pytest.FixtureRequest) -> tuple[str, str]:
    """Return a workspace of this test's own with one document, and that document's id."""
    workspace = re.sub(r"\W+", "-", request.node.name)
    added = vocero("docs", "add", "-", "--workspace", workspace, "--wait", "--json", stdin=HOURS)
    assert added.code == 0, added.err
    [row] = added.json
    assert {k: row[k] for k in ("state", "chunks", "reason")} == {"state": "indexed", "chunks": 1, "reason": ""}
    return workspace, row["document"]


def test_a_taught_fact_is_answered_with_its_source(vocero: Vocero, taught: tuple[str, str]) -> None:
    """The answer quotes the sentence, cites it, and the citation resolves to a chunk of the document."""
    workspace, document = taught
    answer = vocero("ask", "When does the workshop open?", "--workspace", workspace, "--json").json
    assert "8:15" in answer["answer"]
    assert answer["outcome"] == "extractive"
    assert answer["mode"] == "extractive"
    [citation] = answer["citations"]
    assert set(citation) == {"n", "title", "url", "document", "chunk", "text"}
    assert f"[{citation['n']}]" in answer["answer"]
    shown = vocero("docs", "show", document, "--workspace", workspace, "--json").json
    assert {c["id"]: c["text"] for c in shown["pieces"]}[citation["chunk"]] == citation["text"]


def test_the_json_of_an_answer_is_the_contract(vocero: Vocero, taught: tuple[str, str]) -> None:
    """Every promised field is there, timings in seconds."""
    answer = vocero("ask", "When does the workshop open?", "-w", taught[0], "--json").json
    promised = {"answer", "outcome", "citations", "cached", "arm", "model", "adapter", "mode", "timings"}
    assert promised <= set(answer)
    stages = {"recall", "cache", "retrieve", "first_token", "first_shown", "generate", "total"}
    assert stages == set(answer["timings"])
    assert 0 < answer["timings"]["total"] < 60


def test_what_is_absent_is_not_known(vocero: Vocero, taught: tuple[str, str]) -> None:
    """An absent fact ends in an honest abstention without citations; that is a success of the command."""
    ran = vocero("ask", "Who won the football cup in 1998?", "--workspace", taught[0], "--json")
    assert ran.code == 0
    assert ran.json["outcome"] == "abstained"
    assert ran.json["citations"] == []
    assert "don't know" in ran.json["answer"]


def test_the_second_asking_comes_from_the_cache_until_the_document_changes(
    vocero: Vocero, taught: tuple[str, str]
) -> None:
    """Equal questions share one answer; removing the document retires it at once."""
    workspace, document = taught
    asked = ("ask", "When does the workshop open?", "--workspace", workspace, "--json")
    assert [vocero(*asked).json["cached"] for _ in range(2)] == [False, True]
    assert vocero("ask", "when does the WORKSHOP open", "-w", workspace, "--json").json["cached"] is True
    assert vocero(*asked, "--no-cache").json["cached"] is False
    removed = vocero("docs", "remove", document, "--workspace", workspace, "--json")
    assert [r["state"] for r in removed.json] == ["removed"]
    again = vocero(*asked).json
    assert (again["outcome"], again["cached"]) == ("abstained", False)
    assert "8:15" not in again["answer"]


def test_follow_ups_are_understood_within_their_conversation(vocero: Vocero) -> None:
    """A question that leans on the last one is made to stand alone; another conversation does not help."""
    text = b"# Prices\n\nThe Wren 4 tent costs 640 pounds.\n\nThe Heron 6 tent costs 1150 pounds."
    vocero("docs", "add", "-", "-w", "follow", "--title", "Tents", stdin=text)
    vocero("ask", "How much does the Wren 4 tent cost?", "-w", "follow", "--conversation", "c1")
    answer = vocero("ask", "And the Heron 6?", "-w", "follow", "--conversation", "c1", "--json").json
    assert "1150" in answer["answer"]
    assert answer["understood"] == "How much does the Wren 4 tent cost? And the Heron 6?"
    other = vocero("ask", "And the Heron 6?", "-w", "follow", "--conversation", "c2", "--json").json
    assert other["understood"] is None


def test_a_channels_document_stays_in_its_channel(vocero: Vocero) -> None:
    """Only an audience that holds the channel's scope is answered from it, in the cache too."""
    vocero("docs", "add", "-", "-w", "scoped", "--title", "Public", stdin=b"The shop sells tents.")
    vocero(
        "docs", "add", "-", "-w", "scoped", "--scope", "channel:C1", "--title", "Safe", stdin=b"The safe code is 4711."
    )
    asked = ("ask", "What is the safe code?", "-w", "scoped", "--json")
    inside = vocero(*asked, "--scope", "workspace", "--scope", "channel:C1").json
    assert "4711" in inside["answer"]
    for scopes in ([], ["--scope", "workspace"], ["--scope", "channel:C2"]):
        assert "4711" not in json.dumps(vocero(*asked, *scopes).json)


def test_learning_the_same_again_changes_nothing(vocero: Vocero, taught: tuple[str, str]) -> None:
    """Equal bytes are `unchanged`; a new text under the same title replaces the old one."""
    workspace, _ = taught
    assert vocero("docs", "add", "-", "-w", workspace, "--json", stdin=HOURS).json[0]["state"] == "unchanged"
    for hour in (b"8:15", b"9:45"):
        vocero("docs", "add", "-", "-w", workspace, "--title", "Hours", stdin=b"The hire desk opens at " + hour + b".")
    answer = vocero("ask", "When does the hire desk open?", "-w", workspace, "--json").json
    assert "9:45" in answer["answer"]
    assert "8:15 on" not in answer["answer"]


def test_forgetting_leaves_a_receipt_and_nothing_else(vocero: Vocero, tmp_path: Path) -> None:
    """The document, its answers and its turns are gone; it cannot come back by accident."""
    marked = b"The harvest festival password is ZEBRAFISH77."
    [row] = vocero("docs", "add", "-", "-w", "forgot", "--title", "Festival", "--json", stdin=marked).json
    asked = ("ask", "What is the harvest festival password?", "-w", "forgot", "--conversation", "c9", "--json")
    assert "ZEBRAFISH77" in vocero(*asked).json["answer"]
    receipt = tmp_path / "receipt.json"
    proof = vocero("forget", "document", row["document"], "-w", "forgot", "--receipt", str(receipt))
    assert proof.json == json.loads(receipt.read_text())
    assert proof.json["gone"]["chunks"] == 1
    assert proof.json["gone"]["cached answers"] == 1
    assert proof.json["gone"]["turns"] == 2
    assert vocero(*asked).json["outcome"] == "abstained"
    back = vocero("docs", "add", "-", "-w", "forgot", "--title", "Festival", "--json", stdin=marked)
    assert back.code == 1
    assert back.json[0]["state"] == "failed"
    assert "forgotten" in back.json[0]["reason"]
    forced = vocero("docs", "add", "-", "-w", "forgot", "--title", "Festival", "--force", "--json", stdin=marked)
    assert forced.json[0]["state"] == "indexed"


def test_search_shows_what_an_answer_would_be_made_of(vocero: Vocero, taught: tuple[str, str]) -> None:
    """Rows are ranked from 1 and carry the promised fields, in every mode."""
    for mode in ("hybrid", "dense", "lexical"):
        rows = vocero("search", "workshop opens", "-w", taught[0], "--mode", mode, "--json").json
        assert [r["rank"] for r in rows] == [1]
        assert {"rank", "document", "chunk", "title", "url", "score", "cosine", "text"} == set(rows[0])


def test_a_folder_is_learned_file_by_file(vocero: Vocero, tmp_path: Path) -> None:
    """Every readable file is indexed, every other one fails with its reason, and the exit code says so."""
    (tmp_path / "a.md").write_text("# Alpha\n\nAlpha is first.")
    (tmp_path / "b.html").write_text("<html><title>Beta</title><body><h1>Beta</h1><p>Beta is second.</p></body></html>")
    (tmp_path / ".hidden.md").write_text("# Hidden")
    (tmp_path / "c.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(64))
    ran = vocero("docs", "add", str(tmp_path), "-w", "folder", "--json")
    assert [(Path(r["source"]).name, r["state"]) for r in ran.json] == [
        ("a.md", "indexed"),
        ("b.html", "indexed"),
        ("c.png", "failed"),
    ]
    assert ran.code == 1
    assert "image" in ran.json[2]["reason"]


def test_doctor_finds_nothing_wrong_here(vocero: Vocero) -> None:
    """On the embedded stack every part is there, and the embedder's language is said."""
    ran = vocero("doctor", "--json")
    assert ran.code == 0
    assert {f["name"] for f in ran.json} >= {"disk", "database", "redis", "model", "embeddings", "languages"}
    assert not [f for f in ran.json if f["level"] == "bad"]


def test_migrating_again_changes_nothing(vocero: Vocero) -> None:
    """The schema of a running home is at head."""
    vocero("migrate")
    assert vocero("migrate", "--json").json == {"applied": []}
