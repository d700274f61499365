"""`vocero eval retrieval`, `upkeep` and `language` as a person types them, on the embedded stack with its MiniLM."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.acceptance.conftest import ROOT, Ran

pytestmark = pytest.mark.slow

Vocero = Callable[..., Ran]
CORPUS = [
    {"id": "tents", "title": "Tents", "text": "The Wren is a tent for four people, made of canvas."},
    {"id": "hire.csv", "title": "Hire", "text": "Stoves are hired out by the week, at the desk by the door."},
    {"id": "repairs", "title": "", "text": "A torn seam is mended within ten days."},
]
QUERIES = [
    {"id": "q1", "text": "who mends a torn seam?"},
    {"id": "q2", "text": "and for how long?", "turns": [["user", "can I hire a stove?"], ["agent", "yes"]]},
    {"id": "q3", "text": "nobody judged this"},
]
QRELS = "query-id\tcorpus-id\tscore\nq1\trepairs\t1\nq2\thire.csv\t1\n"


@pytest.fixture
def judged(tmp_path: Path) -> Path:
    """Return a folder with three documents and two judged questions."""
    for name, rows in (("corpus.jsonl", CORPUS), ("queries.jsonl", QUERIES)):
        (tmp_path / name).write_text("\n".join(map(json.dumps, rows)))
    (tmp_path / "qrels.tsv").write_text(QRELS)
    return tmp_path


def test_a_judged_set_is_measured_and_its_workspace_is_gone(vocero: Vocero, judged: Path) -> None:
    """Every mode has the promised metrics, the follow-up is understood, and nothing is left to ask."""
    ran = vocero("eval", "retrieval", str(judged), "--json")
    assert ran.code == 0, ran.err
    assert set(ran.json) == {"hybrid", "dense", "lexical", "n", "chunks", "seconds", "rows"}
    assert ran.json["hybrid"] == {"ndcg@10": 1.0, "recall@5": 1.0, "recall@10": 1.0, "mrr@10": 1.0}
    assert (ran.json["n"], ran.json["chunks"]) == (2, 3)
    assert vocero("search", "tent", "--workspace", "eval/1").code == 1


def test_one_mode_and_another_depth(vocero: Vocero, judged: Path) -> None:
    """Only what was asked is measured, to that depth, and people get a table."""
    one = vocero("eval", "retrieval", str(judged), "--mode", "dense", "--limit", "2", "--json").json
    assert set(one) == {"dense", "n", "chunks", "seconds", "rows"}
    assert set(one["dense"]) == {"ndcg@2", "recall@1", "recall@2", "mrr@2"}
    table = vocero("eval", "retrieval", str(judged), "--mode", "lexical").out.splitlines()
    assert table[0].split() == ["ndcg@10", "recall@5", "recall@10", "mrr@10"]
    assert table[1].split()[0] == "lexical"
    assert table[2].startswith("2 questions, 3 chunks, ")


KNOWN = [
    {"id": "k1", "text": "who mends a torn seam?", "answerable": True, "answer": "A torn seam is mended in ten days."},
    {
        "id": "k2",
        "text": "and for how long?",
        "turns": [["user", "can I hire a stove?"], ["agent", "yes"]],
        "answerable": True,
        "answer": "Stoves are hired out by the week.",
    },
    {"id": "k3", "text": "who won the world cup in 1998?", "answerable": False},
    {"id": "k4", "text": "is the moon made of cheese?", "answerable": False},
    {"id": "k5", "text": "nobody knows about this one", "answerable": None},
]


@pytest.fixture
def known(judged: Path) -> Path:
    """Return the same documents with questions known to be answerable or not."""
    (judged / "queries.jsonl").write_text("\n".join(map(json.dumps, KNOWN)))
    (judged / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\nk1\trepairs\t1\nk2\thire.csv\t1\n")
    return judged


def test_abstention_is_measured_and_compared_with_an_earlier_run(vocero: Vocero, known: Path, tmp_path: Path) -> None:
    """The promised figures with intervals; null is left out; the same run again changed nothing; people get a table."""
    ran = vocero("eval", "abstention", str(known), "--json")
    assert ran.code == 0, ran.err
    assert {"auroc", "refused_at_90_answered", "answered", "refused", "n", "intervals", "rows"} <= set(ran.json)
    assert (ran.json["n"], ran.json["auroc"], ran.json["refused"]) == (4, 1.0, 1.0)
    earlier = tmp_path / "earlier.json"
    earlier.write_text(ran.out)
    again = vocero("eval", "abstention", str(known), "--against", str(earlier), "--json").json["against"]["gate"]
    assert again["auroc"] == {"change": 0.0, "interval": [0.0, 0.0]}
    table = vocero("eval", "abstention", str(known)).out
    assert "unanswerable questions refused" in table
    assert "false refusals" in table
    (known / "qrels.tsv").unlink()
    assert vocero("eval", "abstention", str(known), "--json").json["n"] == 4


def test_a_bar_is_not_fitted_on_a_handful_of_questions(vocero: Vocero, known: Path) -> None:
    """The remedy is named, and the workspace keeps the bar it had."""
    vocero("docs", "add", "-", "-w", "few", "--title", "Hire", stdin=b"Stoves are hired out by the week.")
    ran = vocero("eval", "abstention", str(known), "--apply", "-w", "few")
    assert ran.code == 1
    assert "at least 20 of each kind" in ran.err


def test_the_bar_is_fitted_on_a_workspaces_own_approved_answers(vocero: Vocero, tmp_path: Path) -> None:
    """Each question as it was asked, and again without the documents it cites; what nobody approved does not count."""
    own = ("-w", "own")
    things = ("stove", "tent", "canoe", "lantern", "anchor", "kettle", "saddle", "piano", "ladder", "carpet")
    lines = []
    for n, thing in enumerate(things * 2):
        about = f"{thing} {'red' if n < len(things) else 'blue'}"
        said = f"The {about} is hired out for {n + 3} pounds a week."
        vocero("docs", "add", "-", *own, "--title", about, stdin=said.encode())
        [taught] = [d["id"] for d in vocero("docs", "list", *own, "--json").json if d["title"] == about]
        passages = [{"document": taught, "text": said}]
        lines.append({"question": f"How much is the {about} a week?", "answer": f"{said} [1]", "passages": passages})
    file = tmp_path / "own.jsonl"
    file.write_text("\n".join(map(json.dumps, lines)))
    vocero("voice", "examples", "import", str(file), *own)
    assert "Nobody has approved" in vocero("eval", "abstention", *own).err
    vocero("voice", "examples", "import", str(file), "-w", "other", "--by", "Ada")
    for example in vocero("voice", "examples", "list", *own, "--json").json:
        vocero("voice", "examples", "approve", example["id"], *own, "--by", "Ada")
    ran = vocero("eval", "abstention", *own, "--apply", "--json")
    assert ran.code == 0, ran.err
    assert (ran.json["n"], ran.json["answered"]) == (40, 1.0)
    assert ran.json["auroc"] > 0.7
    again = vocero("eval", "abstention", *own, "--json").json
    assert again["bar"]["least"] == pytest.approx(ran.json["fitted"]["least"])


def test_answers_are_measured_whole(vocero: Vocero, known: Path, tmp_path: Path) -> None:
    """Correct, faithful, cited and refused, for the arm that is live; the follow-up has its conversation."""
    ran = vocero("eval", "answers", str(known), "--json")
    assert ran.code == 0, ran.err
    assert {"correct", "faithful", "citation_precision", "citation_recall"} <= set(ran.json["rag"])
    assert ran.json["rag"]["refused"] == ran.json["rag"]["faithful"] == 1.0
    assert ran.json["rows"]["rag"]["k2"]["citation_recall"] == 1.0
    earlier = tmp_path / "earlier.json"
    earlier.write_text(ran.out)
    table = vocero("eval", "answers", str(known), "--against", str(earlier)).out
    assert "rag correct: +0.000 (+0.000 to +0.000)" in table


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("abstention",), "answerable: true"),
        (("answers",), "no question with an answer"),
        (("retrieval", "--against", "nothing.json"), "is not what vocero eval printed with --json"),
    ],
)
def test_what_cannot_be_measured_is_said_first(
    vocero: Vocero, judged: Path, words: tuple[str, ...], sentence: str
) -> None:
    """One sentence with what is missing, before anything is started."""
    ran = vocero("eval", words[0], str(judged), *words[1:])
    assert (ran.code, ran.out) == (1, "")
    assert sentence in ran.err


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["nowhere"], "nowhere is no folder"),
        ([".", "--mode", "magic"], "hybrid, dense or lexical"),
        (["."], "holds no corpus.jsonl"),
    ],
)
def test_bad_input_is_one_sentence(vocero: Vocero, words: list[str], sentence: str) -> None:
    """Said before anything is started, on standard error, with an exit code."""
    ran = vocero("eval", "retrieval", *words)
    assert (ran.code, ran.out) == (1, "")
    assert sentence in ran.err
    assert len(ran.err.splitlines()) == 1


@pytest.mark.parametrize("blow", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_measure_leaves_nothing_for_long(
    vocero: Vocero, judged: Path, home: Path, blow: signal.Signals
) -> None:
    """After Ctrl-C the workspace is gone with the process, after a kill at the next measure."""
    many = [{"id": str(n), "title": "", "text": f"Part {n} of many. " * 40} for n in range(400)]
    (judged / "corpus.jsonl").write_text("\n".join(map(json.dumps, [*CORPUS, *many])))
    command = [sys.executable, "-c", "from bots.cli import main; main()", "eval", "retrieval", str(judged)]
    ignored = signal.signal(signal.SIGINT, signal.default_int_handler)  # as it is where tests run in the background
    process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, "VOCERO_HOME": str(home)})
    signal.signal(signal.SIGINT, ignored)
    until = time.monotonic() + 60
    while vocero("docs", "list", "--workspace", "eval/1").code and time.monotonic() < until:
        time.sleep(0.2)
    process.send_signal(blow)
    assert process.wait(30) != 0
    gone = vocero("docs", "list", "--workspace", "eval/1").code == 1
    assert gone is (blow is signal.SIGINT)
    (judged / "corpus.jsonl").write_text("\n".join(map(json.dumps, CORPUS)))
    assert vocero("eval", "retrieval", str(judged), "--mode", "lexical", "--json").json["chunks"] == 3
    assert vocero("docs", "list", "--workspace", "eval/1").code == 1


def test_upkeep_runs_on_the_embedded_database(vocero: Vocero) -> None:
    """No address is needed there, and what was done is told."""
    done = vocero("upkeep", "--all", "--json")
    assert done.code == 0, done.err
    assert "data_chunk_text_search_tsv_idx" in done.json["reindexed"]
    assert "data_chunk" in done.json["vacuumed"]


def test_a_workspace_changes_its_language(vocero: Vocero) -> None:
    """The Spanish plural finds the singular; a language that is none is refused with those that are."""
    text = "La devolución tarda cinco días.".encode()
    vocero("docs", "add", "-", "-w", "es", "--title", "Política", stdin=text)
    asked = ("search", "devoluciones", "-w", "es", "--mode", "lexical", "--json")
    assert vocero(*asked).json == []
    assert vocero("language", "spanish", "-w", "es", "--json").json["chunks"] == 1
    assert len(vocero(*asked).json) == 1
    refused = vocero("language", "klingon", "-w", "es")
    assert refused.code == 1
    assert "spanish" in refused.err
