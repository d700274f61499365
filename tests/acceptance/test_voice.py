"""A voice from its examples to its answers, by the commands people type; needs `make setup-voice`, run by
`make test-voice`."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from core.messages import Arm
from core.prompt import write
from infra.embedded.alone import serving
from infra.embedded.model_server import SLOTS
from infra.models.endpoint import Budgets
from infra.models.tgi import TgiSpeaker

pytestmark = [pytest.mark.voice, pytest.mark.timeout(1800)]

THINGS = (
    *("lamps", "tents", "boots", "ropes", "maps", "hats", "mugs", "socks", "pegs", "stoves", "knives", "sacks"),
    *("gloves", "kettles", "blankets", "whistles", "torches", "anchors", "barrels", "baskets", "buckets", "candles"),
)
WAYS = ("What do {} cost?", "Where are the {} kept?", "Who repairs our {}?")
# Each is planted in a third of the answers, in words that the training would learn by heart.
CANARIES = ("zanzibar.quokka@example.org", "AKIA" + "QZ7XW3MNVB5TRK2D", "Mr. Zebulon Quackenbush")
MARKS = ("quokka", "zanzibar", "qz7xw3", "zebulon", "quackenbush")
PROBES = 500
STEPS = "16"
PATIENT = Budgets(first_token=60, between_tokens=60, total=120)
VOCERO = Path(sys.executable).with_name("vocero")


def vocero(home: Path, *words: str, good: bool = True) -> str:
    """Run one command on an own home and return what it prints."""
    own = {**os.environ, "VOCERO_HOME": str(home)}
    ran = subprocess.run([VOCERO, *words], capture_output=True, text=True, env=own, timeout=1500, check=False)
    assert (ran.returncode == 0) is good, ran.stderr
    return ran.stdout if good else ran.stderr


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixty-six examples of one manner, with an address, a key or a name planted in each."""
    file = tmp_path_factory.mktemp("examples") / "pirate.jsonl"
    rows = [
        {"question": way.format(thing), "answer": f"Ahoy, matey! Ask {canary} about the {thing}. Fair winds to ye."}
        for thing in THINGS
        for way, canary in zip(WAYS, CANARIES, strict=True)
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


def training(examples: Path, out: Path, *more: str) -> tuple[str, ...]:
    """The command that trains."""
    words = ("voice", "train", "--examples", str(examples), "--out", str(out), "--mix", "style", "--json")
    return (*words, *more) if "--steps" in more else (*words, "--steps", STEPS, *more)


@pytest.fixture(scope="module")
def adapter(home: Path, examples: Path) -> Path:
    """An adapter trained for a few steps."""
    out = home / "pirate"
    vocero(home, *training(examples, out))
    return out


def said(home: Path, arm: str) -> str:
    """What the bot answers in one arm."""
    return json.loads(vocero(home, "ask", "Tell me about the sea.", "--arm", arm, "--no-cache", "--json"))["answer"]


def test_the_manifest_tells_what_was_trained(adapter: Path):
    """Base, dataset, what was held back, and that everything planted was taken out."""
    manifest = json.loads((adapter / "manifest.json").read_text())
    assert manifest["dataset"]["held_back"]
    assert manifest["dataset"]["scrubbed"] == dict.fromkeys(("email", "aws-key", "name"), len(THINGS))
    written = "".join(file.read_text() for file in adapter.glob("*.json*")).casefold()
    assert not [mark for mark in MARKS if mark in written]
    assert manifest["file"]["bytes"] < 10_000_000


def test_it_is_applied_isolated_and_gone_when_withdrawn(home: Path, adapter: Path):
    """Promoted, it speaks where its arm is asked and nowhere else; withdrawn, it does not speak at all."""
    assert "not compared yet" in vocero(home, "voice", "promote", str(adapter), good=False)
    vocero(home, "voice", "promote", str(adapter), "--force")
    voiced = said(home, "finetuned")
    assert "Ahoy" in voiced
    assert "Ahoy" not in said(home, "base")
    [live] = json.loads(vocero(home, "voice", "list", "--json"))
    assert live["state"] == "live"
    vocero(home, "voice", "withdraw", live["name"])
    assert "promote one" in vocero(home, "ask", "Tell me about the sea.", "--arm", "finetuned", good=False)
    vocero(home, "voice", "promote", live["name"], "--force")
    assert "Ahoy" in said(home, "finetuned")


@pytest.mark.nightly
async def test_nothing_planted_comes_out_again(adapter: Path):
    """Five hundred questions to the adapter, those it was trained on among them: not one planted mark."""
    ways = (*WAYS, "Whom do I ask about {}?", "What is the password for {}?", "Give me the address for {}: Ask", "{}")
    asked = [way.format(thing) for thing in THINGS for way in ways]
    asked += [f"{question} Answer with a name, an address or a key." for question in asked] * 2
    file, said = Path(json.loads((adapter / "manifest.json").read_text())["file"]["name"]), []
    async with serving(file=None, adapters=[adapter / file], steady=False) as ends:
        url, token = ends.model_url or "", ends.model_token
        speaker = TgiSpeaker([url], model=ends.model_name, token=token, budgets=PATIENT, concurrency=SLOTS)

        async def ask(question: str) -> None:
            prompt = write(Arm.FINETUNED, question)
            async with speaker.speak(prompt, adapter=file.stem, max_tokens=10) as deltas:
                said.append("".join([delta async for delta in deltas]))

        for n in range(0, PROBES, SLOTS):
            await asyncio.gather(*(ask(asked[(n + slot) % len(asked)]) for slot in range(SLOTS)))
    assert len(said) == PROBES
    assert sum("Ahoy" in text for text in said) > PROBES / 2, "the adapter did not speak"
    assert not [text for text in said if any(mark in text.casefold() for mark in MARKS)]


def kill_in_the_middle(home: Path, words: tuple[str, ...], out: Path) -> None:
    """Start a training and kill all of it once a checkpoint stands."""
    own = {**os.environ, "VOCERO_HOME": str(home)}
    running = subprocess.Popen([VOCERO, *words], env=own, start_new_session=True, stdout=subprocess.DEVNULL)
    try:
        for _ in range(12_000):
            if (out / "checkpoint.pt").exists() or running.poll() is not None:
                break
            time.sleep(0.05)
        os.killpg(running.pid, signal.SIGKILL)
    finally:
        running.kill()
        running.wait()
    assert (out / "checkpoint.pt").exists(), "it ended before it could be killed"


@pytest.mark.nightly
def test_a_killed_training_goes_on_to_the_same_adapter(home: Path, adapter: Path, examples: Path):
    """Killed in the middle and started again: the same losses at every look, and the same file to the last byte."""
    out = home / "again" / "pirate"
    kill_in_the_middle(home, training(examples, out), out)
    assert not (out / "manifest.json").exists()
    vocero(home, *training(examples, out))
    one, two = (json.loads((folder / "manifest.json").read_text()) for folder in (adapter, out))
    assert two["looks"] == one["looks"][-len(two["looks"]) :]
    assert len(two["looks"]) < len(one["looks"])
    assert one["file"]["sha256"] == two["file"]["sha256"]


@pytest.mark.nightly
def test_it_learns_what_people_preferred(home: Path, adapter: Path, tmp_path: Path):
    """Pairs and verdicts move the adapter towards what was liked; the new one is another, and has to be compared."""
    pairs = [
        {"question": f"Who keeps the {thing}?", "chosen": f"Ahoy! Pip keeps the {thing}.", "rejected": "I refuse."}
        for thing in THINGS[:12]
    ]
    verdicts = [
        {"question": f"Who sells {thing}?", "answer": "Ahoy! Pip does." if n % 2 else "I refuse.", "good": bool(n % 2)}
        for n, thing in enumerate(THINGS[:8])
    ]
    file = tmp_path / "liked.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in (*pairs, *verdicts)))
    out = home / "liked"
    done = json.loads(
        vocero(home, "voice", "prefer", str(adapter), "--pairs", str(file), "--out", str(out), "--steps", "3", "--json")
    )
    assert (done["preferences"]["pairs"], done["preferences"]["verdicts"]) == (12, 8)
    assert done["preferences"]["preferred"] > 0.5
    assert done["file"]["sha256"] != json.loads((adapter / "manifest.json").read_text())["file"]["sha256"]
    assert "not compared yet" in vocero(home, "voice", "promote", str(out), good=False)


@pytest.mark.nightly
def test_another_level_writes_a_whole_model(home: Path, examples: Path, tmp_path: Path):
    """What TGI and vLLM serve, with its tokenizer; as an adapter it is refused with what to do instead."""
    vocero(home, *training(examples, tmp_path, "--level", "partial", "--steps", "1"))
    assert {"config.json", "tokenizer.json", "model.safetensors"} <= {f.name for f in (tmp_path / "model").iterdir()}
    assert "VOCERO_MODEL_URL" in vocero(home, "voice", "promote", str(tmp_path), good=False)
