"""What can go wrong with a voice, each said in one sentence with its remedy; and preferences read from a file."""

import errno
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bots.voice import resumable
from core.errors import InputError, SetupError
from core.examples import Example, Mix, deduplicated
from core.messages import Arm
from infra.embedded import voices
from infra.embedded.home import at
from infra.embedded.weights import BUNDLED_SHA256
from infra.voice import sources, stages
from infra.voice.adapter import check_base, read_adapter
from infra.voice.dataset import build, write_text
from infra.voice.preferences import read_preferences
from tests.infra.voice.folders import write_adapter

CPU = "[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory"  # as torch writes it
Case = Callable[[Path], object]


def lines(file: Path, rows: list[dict[str, object]]) -> Path:
    """Write rows of JSON."""
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return file


def damaged(folder: Path) -> object:
    """Read an adapter whose file lost its end on the way."""
    made = write_adapter(folder / "ours")
    file = next(made.glob("*.gguf"))
    file.write_bytes(file.read_bytes()[:-1])
    return read_adapter(made)


def whole_model(folder: Path) -> object:
    """Take a full training for an adapter."""
    (folder / "manifest.json").write_text(json.dumps({"level": "full"}))
    return read_adapter(folder)


def verdicts(good: int, bad: int) -> list[dict[str, object]]:
    """So many answers liked and not."""
    return [{"question": f"q{n}?", "answer": f"a{n}", "good": n < good} for n in range(good + bad)]


CASES: dict[str, tuple[Case, str]] = {
    "another base": (
        lambda at_: check_base(read_adapter(write_adapter(at_ / "ours", base="f" * 64)), BUNDLED_SHA256),
        "VOCERO_MODEL_FILE",
    ),
    "a damaged file": (damaged, "copy it again"),
    "no adapter": (lambda at_: read_adapter(at_ / "none"), "vocero voice train"),
    "a whole model": (whole_model, "VOCERO_MODEL_URL"),
    "too few examples": (
        lambda at_: build(
            sources.read(str(lines(at_ / "few.jsonl", [{"question": f"{w}?", "answer": w} for w in "abc"]))),
            {},
            mix=Mix.STYLE,
            seed=0,
            shown=3,
        ),
        "approve 36 more, or let the bot answer with passages alone",
    ),
    "no texts": (lambda at_: sources.read(str(at_)), "60 characters"),
    "too few preferences": (
        lambda at_: read_preferences(lines(at_ / "p.jsonl", verdicts(3, 3)), Arm.RAFT, ()),
        "collect 10 more",
    ),
    "one-sided verdicts": (
        lambda at_: read_preferences(lines(at_ / "p.jsonl", verdicts(30, 2)), Arm.RAFT, ()),
        "at most 4 times",
    ),
    "a verdict without its answer": (
        lambda at_: read_preferences(lines(at_ / "p.jsonl", [{"question": "q?", "good": True}]), Arm.RAFT, ()),
        "line 1: write",
    ),
    "a disk that is full": (lambda _: write_text(Path("/dev/full"), "train.jsonl", "x"), "make room|name another"),
}


@pytest.mark.parametrize(("case", "remedy"), CASES.values(), ids=list(CASES))
def test_each_misfortune_is_a_sentence_with_its_remedy(tmp_path: Path, case: Case, remedy: str):
    """One sentence, nothing half done, and what to do now."""
    with pytest.raises((InputError, SetupError), match=remedy) as caught:
        case(tmp_path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("status", "said", "remedy"),
    [
        (-9, "", "out of memory: end other programs"),
        (1, f"RuntimeError: {CPU}: you tried to allocate 1437696 bytes. Error code 12", "take a smaller base"),
        (1, "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB.", "take a smaller base"),
        (1, "OSError: [Errno 28] No space left on device", "disk is full: make room"),
        (1, "safetensors_rust.SafetensorError: I/O error: No space left on device (os error 28)", "name another --out"),
        (
            1,
            "RuntimeError: [enforce fail at inline_container.cc:672] . unexpected pos 974080 vs 973972",
            "disk is full",
        ),
        (1, "ModuleNotFoundError: No module named 'peft'", "make setup-voice"),
        (2, "blk.0.attn_q.weight has another shape in the base: the adapter was trained on another one", "another one"),
        (1, "", "it said nothing"),
    ],
)
def test_a_stage_that_ends_badly_says_why(status: int, said: str, remedy: str):
    """The stage's last words become one sentence."""
    assert remedy in str(stages.reason(status, said.splitlines()))


@pytest.mark.parametrize("few", [0, 3, 20])
def test_as_many_more_as_it_says_are_enough(few: int):
    """With so many examples more there is something to train on: the part that is held back is counted in."""
    several = [Example(id=f"e{n}", question=f"{w} {n}?", answer="Ahoy.") for n, w in enumerate(["what"] * 80)]
    with pytest.raises(InputError) as caught:
        build(
            sources.Material(name="t", examples=tuple(several[:few]), documents={}), {}, mix=Mix.STYLE, seed=0, shown=3
        )
    more = int(str(caught.value).split("approve ")[1].split(" ")[0])
    enough = sources.Material(name="t", examples=tuple(several[: few + more]), documents={})
    assert build(enough, {}, mix=Mix.STYLE, seed=0, shown=3).train


def test_contradictory_examples_are_named_and_the_later_one_stays():
    """Two approved answers with other numbers to one question: the manifest says which was left out, and why."""
    old = Example(id="old", question="How long do refunds take?", answer="30 days [1].", answerable=True)
    new = Example(id="new", question="How long do refunds take?", answer="14 days [1].", answerable=True)
    assert deduplicated([old, new]) == ([new], [("old", "contradicts new, which was approved later")])


def test_a_full_disk_leaves_the_installed_voices_as_they_were(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A copy that ends in the middle is not loaded at the next start."""
    home, file = at(tmp_path / "home"), write_adapter(tmp_path / "ours") / "ours-0.gguf"

    def full(source: Path, target: Path) -> None:
        Path(target).write_bytes(Path(source).read_bytes()[:100])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(shutil, "copyfile", full)
    with pytest.raises(OSError, match="No space"):
        voices.install(home, file, workspace="local", base=BUNDLED_SHA256, model_file=None)
    assert voices.installed(home, None) == []


def test_preferences_are_scrubbed_and_what_was_held_back_stays_out(tmp_path: Path):
    """Pairs and verdicts in one file; no address is left; an id that was held back is not learned."""
    rows: list[dict[str, object]] = [
        {"id": f"e{n}", "question": "q?", "chosen": "Ask a.b@example.org [1].", "rejected": "No.", "passages": ["t"]}
        for n in range(17)
    ]
    known = read_preferences(lines(tmp_path / "p.jsonl", rows), Arm.RAFT, {"e3"})
    assert (len(known.lines), known.pairs, known.scrubbed["email"]) == (16, 16, 16)
    assert "e3" not in known.ids
    assert "example.org" not in "".join(known.lines)
    assert "[1]" in json.loads(known.lines[0])["messages"][-1]["content"]


@pytest.mark.parametrize("stopped", [KeyboardInterrupt(), SystemExit(130)])
def test_a_training_that_is_stopped_says_how_it_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], stopped: BaseException
):
    """One sentence, by whether there is something to go on from; the exit code stays what it was."""
    for told in ("starts again", "goes on from its last checkpoint"):
        with pytest.raises(type(stopped)), resumable(tmp_path):
            raise stopped
        assert f"the same command {told}" in capsys.readouterr().err
        (tmp_path / "checkpoint.pt").touch()


def test_the_command_line_says_it_and_ends_badly(tmp_path: Path):
    """What a person sees: the sentence on standard error, no traceback, and an exit code that is not 0."""
    vocero = Path(sys.executable).with_name("vocero")
    ran = subprocess.run(
        [vocero, "voice", "prefer", str(tmp_path), "--pairs", str(tmp_path), "--out", str(tmp_path / "new")],
        capture_output=True,
        text=True,
        env={"PATH": "/usr/bin:/bin", "VOCERO_HOME": str(tmp_path / "home")},
        timeout=100,
        check=False,
    )
    assert ran.returncode != 0
    assert "vocero voice train" in ran.stderr
    assert "Traceback" not in ran.stderr
