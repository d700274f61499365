"""Before anything is trained, people see what was taken out of their examples, and what was left out of the set."""

import json
from pathlib import Path

import pytest

from bots import voicing
from core.errors import BotError
from core.examples import Example, Mix
from infra.voice import names
from infra.voice.dataset import build
from infra.voice.preview import PLACES, preview
from infra.voice.scrub import scrub
from infra.voice.sources import Material
from tests.infra.voice.folders import write_adapter
from tests.infra.voice.test_machine import write_header
from tests.infra.voice.test_names import PEOPLE, WITH_CUE, WITHOUT


def material(*more: Example) -> Material:
    """Sixty examples, an address in each."""
    things = ("lamps", "tents", "boots", "ropes", "maps", "hats", "mugs", "socks", "pegs", "stoves", "knives", "sacks")
    ways = (
        "What do {} cost?",
        "Where are the {} kept?",
        "Who repairs our {}?",
        "When were {} bought?",
        "Why {} at all?",
    )
    examples = [
        Example(
            id=f"{thing}-{n}",
            question=way.format(thing),
            answer=f"Ahoy! Ask nobody.{n}@example.org about {n} {thing}. Fair winds.",
        )
        for thing in things
        for n, way in enumerate(ways)
    ]
    return Material(name="test", examples=(*examples, *more), documents={})


def test_what_was_taken_out_is_shown_with_its_places():
    """The counts by kind, a dozen places as they will be read, and how many more there are."""
    lines = preview(build(material(), {}, mix=Mix.STYLE, seed=0, shown=3), "voices/ours")
    assert "taken out before training: 60 email" in lines
    shown = [line for line in lines if "<email>" in line]
    assert len(shown) == PLACES
    assert "Ask <email> about" in shown[0]
    assert not [line for line in lines if "example.org" in line]
    assert any("places more" in line for line in lines)
    assert "voices/ours/train.jsonl" in lines[-1]


def test_where_nothing_was_found_that_is_said():
    """Silence would look like a scrubber that did not run."""
    clean = [Example(id=e.id, question=e.question, answer="Ahoy! Yes.") for e in material().examples]
    lines = preview(
        build(Material(name="t", examples=tuple(clean), documents={}), {}, mix=Mix.STYLE, seed=0, shown=3), "."
    )
    assert any("nothing was found" in line for line in lines)


def test_a_contradiction_is_named_with_the_remedy():
    """Two answers with other numbers to one question: which was left out, for which, and what to do."""
    old = Example(id="old", question="How long do refunds take?", answer="30 days [1].", answerable=True)
    new = Example(id="new", question="How long do refunds take?", answer="14 days [1].", answerable=True)
    lines = preview(build(material(old, new, new), {}, mix=Mix.STYLE, seed=0, shown=3), ".")
    [told] = [line for line in lines if "contradicts" in line]
    assert told.startswith("left out: old contradicts new")
    assert "approve one answer" in told
    assert "left out: 1 that ask the same as a later one" in lines


def test_the_recall_it_names_is_the_one_that_is_measured():
    """Of the planted names so many are found as the sentence says."""
    planted = [(frame.format(person), person) for frame in (*WITH_CUE, *WITHOUT) for person in PEOPLE]
    found = [text for text, person in planted if not set(person.split()) & set(scrub(text)[0].split())]
    assert (len(found), len(planted)) == names.RECALL


async def test_what_was_taken_out_of_preferences_is_told_before_they_are_learned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """The sentence comes first; here nothing is learned, since the base is another one, or torch is not there."""
    made = write_adapter(tmp_path / "ours")
    (made / "peft").mkdir()
    rows = [{"question": f"q{n}?", "chosen": "Ask a.b@example.org.", "rejected": "No."} for n in range(16)]
    (tmp_path / "pairs.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    monkeypatch.setenv("VOCERO_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("VOCERO_MODEL_FILE", str(write_header(tmp_path / "base.gguf")))
    told: list[str] = []
    with pytest.raises(BotError):
        await voicing.prefer(made, tmp_path / "pairs.jsonl", tmp_path / "new", 1, 0, show=print, tell=told.append)
    assert told == ["16 preferences; taken out before training: 16 email"]
