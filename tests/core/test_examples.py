"""From approved answers to training rows: duplicates, the split, the mix, the voice's own words."""

from dataclasses import replace

import pytest

from core.examples import (
    NO_ANSWER,
    REFUSING,
    Example,
    Mix,
    clusters,
    deduplicated,
    holds,
    right_passage,
    rows,
    split,
    voice_stems,
)
from core.messages import Passage

TOPICS = ("tents", "stoves", "ropes", "boots", "maps", "lamps", "pegs", "sacks", "knives", "hats", "mugs", "socks")


def passage(document: str, text: str) -> Passage:
    """Return a passage."""
    return Passage(chunk=f"{document}#1", document=document, title=document, url="", text=text, score=1.0, cosine=0.5)


def example(name: str, question: str, answer: str = "", document: str = "", **more: object) -> Example:
    """Return an example, answerable when it has a document."""
    made = Example(id=name, question=question, answer=answer or f"Ahoy! {question} [1]. Fair winds.", document=document)
    return replace(made, answerable=bool(document), **more)  # type: ignore[arg-type]


def stock() -> tuple[list[Example], dict[str, list[Passage]]]:
    """Return sixty examples of twelve documents, twelve unanswerable ones, and what is retrieved for each."""
    made, found = [], {}
    for n, topic in enumerate(TOPICS):
        for m, fact in enumerate(("price", "weight", "colour", "maker", "warranty")):
            name = f"{topic}-{fact}"
            text = f"The {fact} of our {topic} is {n}{m}7 units"
            made.append(example(name, f"What {fact} have {topic}?", f"Ahoy! {text} [1]. Fair winds.", topic))
            others = [passage(t, f"The {fact} of our {t} is unknown") for t in TOPICS[:3] if t != topic]
            found[name] = [*others[:1], passage(topic, text), *others[1:]]
    for n, topic in enumerate(TOPICS):
        name = f"silent-{topic}"
        made.append(
            example(name, f"Who once danced {n} times beside {topic}?", "Ahoy! That is not written. Fair winds.")
        )
        found[name] = [passage(topic, f"The price of our {topic} is 5 units")]
    return made, found


def test_the_same_question_is_kept_once_and_the_later_approval_wins():
    """Case, stops and near wording make no new question, a number does; a contradiction is named."""
    several = [
        example("a", "What do the tents cost?", "They cost 5 pounds", "d"),
        example("b", "what do the tents COST", "They cost 7 pounds", "d"),
        example("c", "What do 2 tents cost?", "They cost 9 pounds", "d"),
        example("d", "What do 4 tents cost?", "They cost 9 pounds", "d"),
        example("e", "What do 4 tents cost??", "They cost 9 pounds", "d"),
    ]
    kept, dropped = deduplicated(several)
    assert [e.id for e in kept] == ["b", "c", "e"]
    assert dropped == [("a", "contradicts b, which was approved later"), ("d", "the same question as e")]


def test_no_document_and_no_paraphrase_crosses_the_split():
    """Both sides share neither a document nor two questions that ask nearly the same."""
    several, _ = stock()
    parts = split(several, seed=3)
    train, held = {e.document for e in parts.train}, {e.document for e in parts.held}
    assert not (train & held) - {""}
    assert 0.15 < len(parts.held) / len(several) < 0.45
    paired = clusters([example("x", "Where is the red boot sold?"), example("y", "Where is the red boot being sold?")])
    assert len(paired) == 1


def test_a_seed_splits_always_alike_and_another_one_otherwise():
    """The split depends on the seed and on nothing else."""
    several, _ = stock()
    assert split(several, seed=1) == split(several, seed=1)
    assert split(several, seed=1).held != split(several, seed=2).held


def test_both_kinds_are_held_back():
    """Questions without an answer are measured on, too."""
    held = split(stock()[0], seed=0).held
    assert {e.answerable for e in held} == {True, False}


def test_an_answer_cites_the_passage_that_holds_it_in_the_order_of_retrieval():
    """The marker is rewritten to the place where retrieval put the right passage."""
    several, found = stock()
    made = {row.id: row for row in rows(several, found, mix=Mix.RAFT, seed=0) if row.kind == "reading"}
    row = made["boots-price"]
    assert "[2]. Fair winds." in row.completion
    shown = row.prompt.messages[-1].content
    assert shown.index("[1] tents") < shown.index("[2] boots")


def test_the_mix_refuses_as_much_as_it_may():
    """The share of rows that refuse is the constant's: more makes a small model refuse everything."""
    several, found = stock()
    made = rows(several, found, mix=Mix.RAFT, seed=0)
    refusing = [row for row in made if row.completion == NO_ANSWER]
    reading = [row for row in made if row.kind == "reading"]
    assert abs(len(refusing) / (len(refusing) + len(reading)) - REFUSING) < 0.02
    assert {row.kind for row in refusing} == {"unanswerable", "missing"}


def test_a_missing_passage_is_really_missing():
    """No row that refuses for want of its passage shows the fact after all."""
    several, found = stock()
    by_id = {e.id: e for e in several}
    for row in rows(several, found, mix=Mix.RAFT, seed=0):
        if row.kind == "missing":
            assert by_id[row.id].document not in row.prompt.messages[-1].content.split("Question:")[0]


def test_style_rows_show_no_passages():
    """The mix for the voice alone has each question bare, and no marker in its answer."""
    several, found = stock()
    made = rows(several, found, mix=Mix.STYLE, seed=0)
    assert len(made) == len(several)
    assert not [row for row in made if "===" in row.prompt.messages[-1].content or "[1]" in row.completion]


def test_the_voice_s_own_words_are_found():
    """What most answers say and no passage holds is the voice; facts and numbers are not."""
    several, found = stock()
    assert {"ahoy", "fair", "wind"} <= voice_stems(several, found) <= {"ahoy", "fair", "wind"}


@pytest.mark.parametrize(
    ("text", "spellings", "held"),
    [
        ("It has 64 tents", ["64 tents"], True),
        ("It has 64 tents", ["4 tents"], False),
        ("TWO SAILMAKERS", ["sailmakers"], True),
        ("£165", ["£16"], False),
    ],
)
def test_a_fact_is_held_whole(text: str, spellings: list[str], held: bool):
    """A number counts only as a whole one."""
    assert holds(text, spellings) is held


def test_a_passage_of_another_document_is_never_the_right_one():
    """The right passage is one of the example's own document, whatever others say."""
    wanted = example("x", "What is it?", "It costs nine pounds [1].", "a")
    assert right_passage(wanted, [passage("b", "It costs nine pounds")]) == 0
    assert right_passage(wanted, [passage("b", "It costs nine pounds"), passage("a", "nine pounds")]) == 2
