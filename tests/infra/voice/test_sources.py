"""Examples from a file: read whole, or refused by the line that is wrong; the handbook's; what too few leads to."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from core.errors import InputError
from core.examples import Mix
from core.messages import Passage
from infra.voice import arms, sources
from infra.voice.dataset import build, plain_tasks, to_line


def test_the_handbook_s_questions_are_examples():
    """Every question of the handbook is one, follow-ups as what they meant, and each names a document there is."""
    material = sources.read("handbook")
    assert len(material.examples) == 153
    assert {e.document for e in material.examples if e.answerable} <= set(material.documents)
    assert "And the bigger one?" not in {e.question for e in material.examples}


def test_a_file_s_passages_become_documents(tmp_path: Path):
    """Passages of one title are one document, and an example is answered from its first."""
    file = tmp_path / "ours.jsonl"
    rows = [
        {"question": "a?", "answer": "b [1]", "passages": [{"title": "T", "text": "one"}, {"title": "U", "text": "x"}]},
        {"question": "c?", "answer": "d [1]", "passages": [{"title": "T", "text": "two"}]},
        {"question": "e?", "answer": "f"},
    ]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    material = sources.read(str(file))
    assert [e.answerable for e in material.examples] == [True, True, None]
    assert material.documents["T"].content == b"one\n\ntwo"
    assert [e.document for e in material.examples] == ["T", "T", ""]


def test_a_source_that_is_given_is_the_document_of_bare_passages(tmp_path: Path):
    """It is where the answer comes from, in the lineage and in the split; a passage that names its own keeps that."""
    file = tmp_path / "ours.jsonl"
    rows = [
        {"question": "a?", "answer": "b [1]", "passages": ["one"], "source": "refunds.md"},
        {"question": "c?", "answer": "d [1]", "passages": ["two", {"title": "U", "text": "x"}], "source": "refunds.md"},
    ]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    material = sources.read(str(file))
    assert [e.document for e in material.examples] == ["refunds.md", "refunds.md"]
    assert [[p.document for p in e.passages] for e in material.examples] == [["refunds.md"], ["refunds.md", "U"]]
    assert set(material.documents) == {"refunds.md", "U"}


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{", "no JSON"),
        ("[]", "no object"),
        ('{"question": "a"}', "answer is missing"),
        ('{"question": 1, "answer": "b"}', "question is missing"),
        ('{"question": "a", "answer": "b", "passages": "c"}', "passages is no list"),
        (json.dumps({"question": "a", "answer": "b" * 20_001}), "20,001 characters"),
    ],
)
def test_a_wrong_line_is_named(tmp_path: Path, line: str, reason: str):
    """The error names the line and what is wrong with it."""
    file = tmp_path / "ours.jsonl"
    file.write_text('{"question": "a", "answer": "b"}\n' + line)
    with pytest.raises(InputError, match=f"line 2: .*{reason}"):
        sources.read(str(file))


def test_a_file_that_cannot_be_read_is_said(tmp_path: Path):
    """Missing, a folder, or no text: one sentence each."""
    (tmp_path / "binary").write_bytes(b"\xff\xfe\xff")
    for name in ("none.jsonl", ".", "binary"):
        with pytest.raises(InputError):
            sources.read(str(tmp_path / name))


def test_an_empty_file_is_said(tmp_path: Path):
    """Nothing is imported from it, and silence would look as if something was."""
    file = tmp_path / "empty.jsonl"
    file.write_text("\n \n")
    with pytest.raises(InputError, match="is empty: write one object"):
        sources.read(str(file))


def test_too_few_examples_say_how_many_more(tmp_path: Path):
    """Under the fewest, nothing is trained, and the sentence says what would do."""
    file = tmp_path / "ours.jsonl"
    file.write_text("".join(json.dumps({"question": f"what is {w}?", "answer": w}) + "\n" for w in "abcdefgh"))
    with pytest.raises(InputError, match="approve 31 more"):
        build(sources.read(str(file)), {}, mix=Mix.STYLE, seed=0, shown=3)


def test_the_dataset_is_the_same_for_a_seed_and_holds_nothing_back_that_it_trains_on():
    """Digest and rows repeat; what watches, what trains and what is held back are three sets."""
    material = sources.read("handbook")
    one, two = (build(material, {}, mix=Mix.STYLE, seed=4, shown=3) for _ in range(2))
    told = one.manifest(mix=Mix.STYLE, seed=4, source="handbook")
    assert told == two.manifest(mix=Mix.STYLE, seed=4, source="handbook")
    assert [to_line(r) for r in one.train] == [to_line(r) for r in two.train]
    trained, watching, held = (set(told[key]) for key in ("trained_on", "watching", "held_back"))
    assert not trained & watching
    assert not (trained | watching) & held
    assert {"kettl", "peg", "lantern"} <= set(told["voice_stems"])


def test_plain_tasks_are_rehearsed_and_none_of_those_that_are_measured():
    """A share of the rows is plain, in no voice; what the comparison asks outside the domain is never trained on."""
    measured = {json.loads(line)["question"] for line in arms.GENERAL.read_text().splitlines()}
    assert not measured & {question for question, _ in plain_tasks()}
    material = sources.read("handbook")
    found = {e.id: [replace(passage(e.answer), document=e.document)] for e in material.examples}
    dataset = build(material, found, mix=Mix.RAFT, seed=0, shown=3)
    kinds = [row.kind for row in dataset.train]
    assert 0.08 < kinds.count("plain") / len(kinds) < 0.14
    assert not [name for name in dataset.manifest(mix=Mix.RAFT, seed=0, source="x")["trained_on"] if "plain" in name]


def passage(text: str) -> Passage:
    """Return a passage that holds a text."""
    return Passage(chunk="c", document="", title="", url="", text=text, score=1.0, cosine=0.5)
