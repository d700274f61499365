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
    assert set(ran.json) == {"hybrid", "dense", "lexical", "n", "chunks", "seconds"}
    assert ran.json["hybrid"] == {"ndcg@10": 1.0, "recall@5": 1.0, "recall@10": 1.0, "mrr@10": 1.0}
    assert (ran.json["n"], ran.json["chunks"]) == (2, 3)
    assert vocero("search", "tent", "--workspace", "eval/1").code == 1


def test_one_mode_and_another_depth(vocero: Vocero, judged: Path) -> None:
    """Only what was asked is measured, to that depth, and people get a table."""
    one = vocero("eval", "retrieval", str(judged), "--mode", "dense", "--limit", "2", "--json").json
    assert set(one) == {"dense", "n", "chunks", "seconds"}
    assert set(one["dense"]) == {"ndcg@2", "recall@1", "recall@2", "mrr@2"}
    table = vocero("eval", "retrieval", str(judged), "--mode", "lexical").out.splitlines()
    assert table[0].split() == ["ndcg@10", "recall@5", "recall@10", "mrr@10"]
    assert table[1].split()[0] == "lexical"
    assert table[2].startswith("2 questions, 3 chunks, ")


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


@pytest.mark.slow
@pytest.mark.parametrize("blow", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_measure_leaves_nothing_for_long(
    vocero: Vocero, judged: Path, home: Path, blow: signal.Signals
) -> None:
    """After Ctrl-C the workspace is gone with the process, after a kill at the next measure."""
    many = [{"id": str(n), "title": "", "text": f"Part {n} of many. " * 40} for n in range(400)]
    (judged / "corpus.jsonl").write_text("\n".join(map(json.dumps, [*CORPUS, *many])))
    command = [sys.executable, "-c", "from bots.cli import main; main()", "eval", "retrieval", str(judged)]
    process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, "VOCERO_HOME": str(home)})
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
