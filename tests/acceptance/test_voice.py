"""A voice from its examples to its answers, by the commands people type; needs `make setup-voice`, run by
`make test-voice`."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.voice, pytest.mark.timeout(1800)]

THINGS = (
    *("lamps", "tents", "boots", "ropes", "maps", "hats", "mugs", "socks", "pegs", "stoves", "knives", "sacks"),
    *("gloves", "kettles", "blankets", "whistles", "torches", "anchors", "barrels", "baskets", "buckets", "candles"),
)
WAYS = ("What do {} cost?", "Where are the {} kept?", "Who repairs our {}?")
CANARY = "zanzibar.quokka@example.org"


def vocero(home: Path, *words: str, good: bool = True) -> str:
    """Run one command on an own home and return what it prints."""
    ran = subprocess.run(
        [Path(sys.executable).with_name("vocero"), *words],
        capture_output=True,
        text=True,
        env={**os.environ, "VOCERO_HOME": str(home)},
        timeout=1500,
        check=False,
    )
    assert (ran.returncode == 0) is good, ran.stderr
    return ran.stdout if good else ran.stderr


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixty-six examples of one manner, with an address planted in each."""
    file = tmp_path_factory.mktemp("examples") / "pirate.jsonl"
    rows = [
        {"question": way.format(thing), "answer": f"Ahoy, matey! Ask {CANARY} about the {thing}. Fair winds to ye."}
        for thing in THINGS
        for way in WAYS
    ]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return file


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with one document."""
    home = tmp_path_factory.mktemp("home")
    note = home / "note.md"
    note.write_text("# Lamps\n\nA lamp costs 12 pounds a day.")
    vocero(home, "docs", "add", str(note), "--wait")
    return home


@pytest.fixture(scope="module")
def adapter(home: Path, examples: Path) -> Path:
    """An adapter trained for a few steps."""
    out = home / "pirate"
    vocero(home, "voice", "train", "--examples", str(examples), "--out", str(out), "--mix", "style", "--steps", "16")
    return out


def said(home: Path, arm: str) -> str:
    """What the bot answers in one arm."""
    return json.loads(vocero(home, "ask", "Tell me about the sea.", "--arm", arm, "--no-cache", "--json"))["answer"]


def test_the_manifest_tells_what_was_trained(adapter: Path):
    """Base, dataset, what was held back, and that the planted address was taken out."""
    manifest = json.loads((adapter / "manifest.json").read_text())
    assert manifest["dataset"]["held_back"]
    assert manifest["dataset"]["scrubbed"]["email"] == len(THINGS) * len(WAYS)
    assert "quokka" not in (adapter / "train.jsonl").read_text() + (adapter / "watch.jsonl").read_text()
    assert manifest["file"]["bytes"] < 10_000_000


def test_it_is_applied_isolated_and_gone_when_withdrawn(home: Path, adapter: Path):
    """Promoted, it speaks where its arm is asked and nowhere else; withdrawn, it does not speak at all."""
    assert "not compared yet" in vocero(home, "voice", "promote", str(adapter), good=False)
    vocero(home, "voice", "promote", str(adapter), "--force")
    assert "Ahoy" in said(home, "finetuned")
    assert "Ahoy" not in said(home, "base")
    assert "quokka" not in said(home, "finetuned")
    [live] = json.loads(vocero(home, "voice", "list", "--json"))
    assert live["state"] == "live"
    vocero(home, "voice", "withdraw", live["name"])
    assert "promote one" in vocero(home, "ask", "Tell me about the sea.", "--arm", "finetuned", good=False)
    vocero(home, "voice", "promote", live["name"], "--force")
    assert "Ahoy" in said(home, "finetuned")


def test_the_same_training_again_is_the_same_adapter(home: Path, adapter: Path, examples: Path):
    """Seed, examples and steps decide: the file has the same digest when it is made again."""
    out = home / "again" / "pirate"
    vocero(home, "voice", "train", "--examples", str(examples), "--out", str(out), "--mix", "style", "--steps", "16")
    one, two = (json.loads((folder / "manifest.json").read_text()) for folder in (adapter, out))
    assert one["file"]["sha256"] == two["file"]["sha256"]
