"""Judged sets are read as they come, and every defect is named by its file and line."""

import gzip
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from core.errors import InputError
from core.messages import Turn
from infra.knowledge.judged import read_judged

CORPUS = '{"id": "a", "title": "Tents", "text": "Tents are sold."}\n{"id": 2, "text": "Hire"}\n'
QUERIES = (
    '{"id": "q1", "text": "and tents?", "turns": [["user", "hire?"], ["agent", "yes"]]}\n{"id": "q2", "text": "x"}\n'
)
QRELS = "query-id\tcorpus-id\tscore\nq1\ta\t1\nq1\t2\t0.5\n"

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Return what writes a set's files, the good ones where no other are given; None leaves one out."""

    def write(**changed: bytes | str | None) -> Path:
        files = {"corpus.jsonl": CORPUS, "queries.jsonl": QUERIES, "qrels.tsv": QRELS}
        files |= {name.replace("_", "."): text for name, text in changed.items()}  # type: ignore[misc]
        for name, text in files.items():
            if text is not None:
                (tmp_path / name).write_bytes(text.encode() if isinstance(text, str) else text)
        return tmp_path

    return write


def test_a_set_is_read_whole(write: Write) -> None:
    """Texts, titles, turns and grades arrive; a question that nobody judged is left out."""
    judged = read_judged(write())
    assert [(text.id, text.title, text.text) for text in judged.corpus] == [
        ("a", "Tents", "Tents are sold."),
        ("2", "", "Hire"),
    ]
    (query,) = judged.queries
    assert (query.id, query.text, query.grades) == ("q1", "and tents?", {"a": 1, "2": 0.5})
    assert query.turns == (Turn(who="user", text="hire?"), Turn(who="bot", text="yes"))


def test_gzipped_files_and_no_header_are_the_same(write: Write) -> None:
    """Either file may be packed, and the header of the judgements may be missing."""
    packed = {"corpus.jsonl_gz": gzip.compress(CORPUS.encode()), "queries.jsonl_gz": gzip.compress(QUERIES.encode())}
    bare = QRELS.split("\n", 1)[1]
    folder = write(corpus_jsonl=None, queries_jsonl=None, qrels_tsv=bare, **packed)
    assert read_judged(folder).queries[0].grades == {"a": 1, "2": 0.5}


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"corpus_jsonl": None}, "holds no corpus.jsonl"),
        ({"queries_jsonl": None}, "holds no queries.jsonl"),
        ({"qrels_tsv": None}, "holds no qrels.tsv"),
        ({"corpus_jsonl": ""}, "corpus.jsonl is empty"),
        ({"queries_jsonl": "\n\n"}, "queries.jsonl is empty"),
        ({"corpus_jsonl": CORPUS + "{"}, "corpus.jsonl, line 3: this is no JSON object"),
        ({"corpus_jsonl": "[]"}, "corpus.jsonl, line 1"),
        ({"corpus_jsonl": '{"id": "a"}'}, "corpus.jsonl, line 1"),
        ({"corpus_jsonl": '{"id": "a", "text": 5}'}, "corpus.jsonl, line 1"),
        ({"corpus_jsonl": "[" * 100_000}, "corpus.jsonl, line 1"),
        ({"corpus_jsonl": CORPUS + '{"id": "a", "text": ""}'}, "line 3: the id 'a' stands there twice"),
        ({"corpus_jsonl": b"\xff\xfe"}, "no UTF-8"),
        ({"corpus_jsonl": None, "corpus.jsonl_gz": b"no gzip"}, "cannot be unpacked"),
        ({"corpus_jsonl": None, "corpus.jsonl_gz": gzip.compress(CORPUS.encode())[:-12]}, "cannot be unpacked"),
        ({"queries_jsonl": '{"id": 1, "text": "x", "turns": [["user"]]}'}, "queries.jsonl, line 1"),
        ({"queries_jsonl": '{"id": 1, "text": "x", "turns": [["user", 5]]}'}, "queries.jsonl, line 1"),
        ({"qrels_tsv": QRELS + "q9\ta\t1\n"}, "line 4: there is no question 'q9'"),
        ({"qrels_tsv": QRELS + "q1\tb\t1\n"}, "line 4: there is no document 'b'"),
        ({"qrels_tsv": QRELS + "q1 a 1\n"}, "line 4: this is no question, document and grade"),
        ({"qrels_tsv": QRELS + "q1\ta\tgood\n"}, "line 4"),
        ({"qrels_tsv": "q1\ta\t0\n"}, "no document relevant"),
        ({"qrels_tsv": ""}, "no document relevant"),
    ],
)
def test_a_defect_is_one_sentence(write: Write, changed: dict[str, bytes | str | None], words: str) -> None:
    """File, line and what is wrong."""
    with pytest.raises(InputError, match=re.escape(words)):
        read_judged(write(**changed))


def test_what_is_no_folder_is_said(tmp_path: Path) -> None:
    """A file or nothing at all instead of a folder."""
    with pytest.raises(InputError, match="no folder"):
        read_judged(tmp_path / "nowhere")
