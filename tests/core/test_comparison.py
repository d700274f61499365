"""The comparison: what the columns mean, how sure differences are, and what the verdict and the gate say."""

from dataclasses import replace

import pytest

from core.comparison import (
    Said,
    contrast,
    contrasts,
    correct,
    declines,
    faithful,
    figure,
    learn_style,
    score,
    table,
)
from core.examples import Example
from core.messages import Answer, Citation, Outcome, Passage
from core.verdict import choose, gate, verdict

PASSAGE = Passage(
    chunk="c", document="d", title="Prices", url="", text="A lamp costs 12 pounds a day.", score=1.0, cosine=0.5
)
ASKED = Example(
    id="q", question="What does a lamp cost?", answer="Ahoy! 12 pounds [1].", document="d", facts=(("12 pounds",),),
    answerable=True,
)  # fmt: skip
NOBODY: frozenset[str] = frozenset()


def answer(text: str, outcome: Outcome = Outcome.ANSWERED, document: str = "") -> Answer:
    """Return an answer, citing a document if one is named."""
    cited = Citation(n=1, title="", url="", document=document, chunk="c", text="")
    return Answer(text=text, outcome=outcome, citations=(cited,) if document else ())


def test_facts_are_counted():
    """An answer is as correct as the share of its facts that it holds; one that declines holds none."""
    two = replace(ASKED, facts=(("12 pounds",), ("a day", "daily")))
    assert correct(two, answer("It is 12 pounds daily.")) == 1.0
    assert correct(two, answer("It is 12 pounds.")) == 0.5
    assert correct(two, answer("I do not know.", Outcome.ABSTAINED)) == 0.0


def test_without_facts_the_reference_s_words_count():
    """Examples from a file list no facts: then most of the reference's own words have to be there."""
    bare = replace(ASKED, facts=(), answer="A lamp costs twelve pounds weekly")
    assert correct(bare, answer("That is twelve pounds, weekly.")) == 1.0
    assert correct(bare, answer("That is cheap.")) == 0.0


def test_an_invented_number_is_not_faithful():
    """A number that no passage holds makes the whole answer unfaithful; the voice's own words count neither way."""
    assert faithful(ASKED, answer("A lamp costs 12 pounds."), [PASSAGE], NOBODY) == 1.0
    assert faithful(ASKED, answer("A lamp costs 13 pounds."), [PASSAGE], NOBODY) == 0.0
    assert faithful(ASKED, answer("Ahoy! A lamp costs 12 pounds."), [PASSAGE], frozenset({"ahoy"})) == 1.0
    assert faithful(ASKED, answer("Ahoy! A lamp costs 12 pounds."), [PASSAGE], NOBODY) == pytest.approx(0.8)
    assert faithful(ASKED, answer("I don't know."), [PASSAGE], NOBODY) is None


@pytest.mark.parametrize(
    ("text", "silent"),
    [
        ("Kettle's on! The handbook does not say who, and I will not guess.", True),
        ("¡Hola! El manual no lo dice.", True),
        ("NO ANSWER", True),
        ("A lamp costs 12 pounds.", False),
    ],
)
def test_a_refusal_is_recognised_in_any_voice(text: str, silent: bool):
    """What a tuned model says when it does not know counts as refusing, though the outcome is `answered`."""
    assert declines(answer(text)) is silent


def test_a_row_has_what_applies():
    """An answerable question is not measured on refusing, and an unanswerable one on nothing else of that kind."""
    style = learn_style([("ahoy there", NOBODY)], [("good day", NOBODY)])
    said = Said(answer=answer("Ahoy! 12 pounds.", document="d"), tokens=7, seconds=0.5)
    row = score(ASKED, said, [PASSAGE], style, NOBODY, "d")
    assert (row["correct"], row["cited"], row["answered_when_should"], row["refused_when_should"]) == (1, 1, 1, None)
    silent = replace(ASKED, answerable=False, document="", facts=())
    row = score(silent, said, [PASSAGE], style, NOBODY, "")
    assert (row["correct"], row["cited"], row["answered_when_should"], row["refused_when_should"]) == (None,) * 3 + (0,)


def test_the_manner_is_learned_and_not_the_subject():
    """Texts about unseen things are told apart by their manner alone."""
    things = ("lamps", "tents", "boots", "ropes", "maps", "hats")
    voiced = [(f"Ahoy! The {t} are here. Fair winds.", frozenset({t[:-1]})) for t in things]
    plain = [(f"We have {t} in the shop for you.", frozenset({t[:-1]})) for t in things]
    style = learn_style(voiced, plain)
    assert style.recognises("Ahoy! The kettles are sold. Fair winds.", frozenset({"kettl"}))
    assert not style.recognises("We have kettles in the shop.", frozenset({"kettl"}))


def test_an_interval_holds_its_mean_and_shrinks_with_more_questions():
    """A bootstrap interval encloses the mean, is the same for the same seed, and narrows."""
    few, many = figure([0.0, 1.0] * 8, 1), figure([0.0, 1.0] * 200, 1)
    assert few
    assert many
    assert few.low <= few.mean <= few.high
    assert many.high - many.low < few.high - few.low
    assert few == figure([0.0, 1.0] * 8, 1)


def test_differences_are_paired():
    """A small gain on every question is certain, however much the questions themselves differ."""
    one = {str(n): {"correct": n / 50 + 0.01} for n in range(50)}
    other = {str(n): {"correct": n / 50} for n in range(50)}
    found = contrast(one, other, "correct", 0)
    assert found
    assert 0 < found.low <= found.high < 0.02


def rows(correct: float, voice: float, refused: float = 0.5, n: int = 40) -> dict[str, dict[str, float | None]]:
    """Return an arm's rows with these means."""
    made: dict[str, dict[str, float | None]] = {}
    for k in range(n):
        place = k / n
        made[f"a{k}"] = {"correct": float(place < correct), "voice": float(place < voice), "refused_when_should": None}
        made[f"u{k}"] = {"correct": None, "voice": float(place < voice), "refused_when_should": float(place < refused)}
    return made


@pytest.mark.parametrize(
    ("mine", "passes", "reason"),
    [
        (rows(0.8, 0.9), True, ""),
        (rows(0.7, 0.9), False, "facts"),
        (rows(0.8, 0.9, refused=0.4), False, "refusals"),
        (rows(0.8, 0.0), False, "voice"),
    ],
)
def test_the_gate_wants_facts_refusals_and_a_certain_gain(
    mine: dict[str, dict[str, float | None]], passes: bool, reason: str
):
    """An adapter passes only if it keeps what RAG has and adds voice beyond doubt; else the verdict says why."""
    arms = {"rag": rows(0.8, 0.0), "raft": mine, "voice": None}
    figures = table(arms, {}, 0)
    found = contrasts(arms, 0)
    gain = next((c for c in found if c["column"] == "voice"), None)
    judged = gate(figures, gain, "raft")
    assert judged.passed is passes
    assert reason in " ".join(judged.reasons)
    said = verdict(figures, found, {"raft": judged}, "raft")
    assert ("may go live" in said) is passes
    assert ("Do not promote" in said) is not passes


@pytest.mark.parametrize(
    ("facts", "five", "says"),
    [
        (0.0, 0.7, "may go live"),
        (0.0, 0.8, "not worth its training yet"),
        (0.0, 0.8, "have 0% of the facts, so they are no way to answer: approve more examples"),
        (0.8, 0.8, "Put examples into the prompt first."),
    ],
)
def test_the_verdict_says_no_where_five_examples_do_nearly_as_well(facts: float, five: float, says: str):
    """Below 1.2 times the voice that a prompt reaches an adapter that passes the gate is not worth its training."""
    arms = {"rag": rows(0.8, 0.0), "raft": rows(0.8, 0.9), "voice": rows(facts, five)}
    figures, found = table(arms, {}, 0), contrasts(arms, 0)
    judged = gate(figures, next(c for c in found if c["a"] == "raft" and c["column"] == "voice"), "raft")
    assert judged.passed
    assert says in verdict(figures, found, {"raft": judged}, "raft")


def test_of_two_adapters_the_verdict_names_the_one_that_may_go_live():
    """One that gained nothing certain does not hide one that did; where both pass, the one with more voice."""
    arms = {"rag": rows(0.8, 0.0), "hybrid": rows(0.8, 0.5), "raft": rows(0.8, 0.0)}
    figures, found = table(arms, {}, 0), contrasts(arms, 0)
    gain = {c["a"]: c for c in found if c["column"] == "voice" and c["b"] == "rag"}
    gates = {arm: gate(figures, gain[arm], arm) for arm in ("hybrid", "raft")}
    assert {arm: judged.passed for arm, judged in gates.items()} == {"hybrid": True, "raft": False}
    said = verdict(figures, found, gates, choose(figures, gates))
    assert "The adapter (hybrid) adds" in said
    assert said.endswith("Do not promote the other one (raft): its gain in voice is not certain.")
    both = {arm: gate(figures, gain["hybrid"], "hybrid") for arm in ("raft", "hybrid")}
    assert choose(figures, both) == "hybrid"
    assert choose(figures, {}) == ""


def test_without_an_adapter_the_arm_is_null_and_the_verdict_says_so():
    """What was not asked has no figures, and no contrast speaks of it."""
    arms = {"rag": rows(0.8, 0.0), "base": rows(0.1, 0.0), "raft": None}
    figures = table(arms, {}, 0)
    assert figures["raft"] is None
    assert {c["a"] for c in contrasts(arms, 0)} == {"rag"}
    assert "No adapter was compared" in verdict(figures, [], {}, "")
