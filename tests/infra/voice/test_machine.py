"""What a training takes, and on what it may run: said before anything is trained, with what would fit."""

import struct
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from core.errors import InputError
from core.examples import Mix
from infra.embedded.credentials import Credentials
from infra.embedded.home import at, prepare
from infra.embedded.weights import bundled
from infra.voice import memory, sources, stages, training
from infra.voice.dataset import build
from infra.voice.header import Header, read_header

SMALL = 134_515_008  # parameters of the embedded model
GIGA = 10**9
ROW = 2_000  # characters of the longest row
GPU = stages.Machine(gpu="NVIDIA T4", free=15 * GIGA, bf16=False, bitsandbytes=True)


def text(value: str) -> bytes:
    """A text as GGUF writes it."""
    return struct.pack("<Q", len(value)) + value.encode()


def write_header(file: Path, architecture: str = "llama", size: int = 64) -> Path:
    """Write a model of one tensor of 4 by 8, and so many bytes of weights."""
    pairs = text("general.architecture") + struct.pack("<I", 8) + text(architecture)
    pairs += text("tokens") + struct.pack("<IIQ", 9, 8, 2) + text("a") + text("b")
    pairs += text("heads") + struct.pack("<II", 4, 3) + text("ids") + struct.pack("<IIQ", 9, 4, 2) + bytes(8)
    tensor = text("w") + struct.pack("<IQQIQ", 2, 4, 8, 0, 0)
    file.write_bytes(struct.pack("<4sIQQ", b"GGUF", 3, 1, 4) + pairs + tensor + bytes(size))
    return file


def job(folder: Path, **more: object) -> training.Job:
    """A training that nobody starts."""
    made = training.Job(
        out=folder, base=folder / "base.gguf", cache=folder, mix=Mix.STYLE, level="adapter", steps=1, seed=0, source="x"
    )
    return replace(made, **more)  # type: ignore[arg-type]


def test_the_embedded_model_tells_its_size(tmp_path: Path):
    """Architecture and parameters of the real file, without a library."""
    home = at(tmp_path)
    prepare(home, database=False)
    assert read_header(bundled(Credentials(home))) == Header(architecture="llama", parameters=SMALL)


def test_a_damaged_base_is_refused_before_anything_starts(tmp_path: Path):
    """Cut at any byte of its header, without its weights, or of another form: one sentence, never a traceback."""
    whole = write_header(tmp_path / "whole.gguf")
    assert read_header(whole) == Header(architecture="llama", parameters=32)
    raw, cut = whole.read_bytes(), tmp_path / "base.gguf"
    for end in range(len(raw) - 63):
        cut.write_bytes(raw[:end])
        with pytest.raises(InputError, match=r"base.gguf is no whole GGUF model: download or copy it again"):
            training.check_base(job(tmp_path))
    cut.write_bytes(raw[:24] + b"\xff" * 200)
    with pytest.raises(InputError, match="no whole GGUF"):
        training.check_base(job(tmp_path))


def test_a_base_whose_adapter_could_not_be_served_is_refused(tmp_path: Path):
    """An adapter of another kind of model would be trained and then not converted; a whole model may be."""
    write_header(tmp_path / "base.gguf", "qwen3")
    with pytest.raises(InputError, match=r"is a qwen3 model.*--level partial"):
        training.check_base(job(tmp_path))
    assert training.check_base(job(tmp_path, level="full")).architecture == "qwen3"


@pytest.mark.parametrize(
    ("parameters", "level", "free", "gpu", "would"),
    [
        (SMALL, "full", 4 * GIGA, False, "--level adapter would fit"),
        (SMALL, "full", 5 * GIGA, False, "--level adapter would fit"),
        (7 * GIGA, "adapter", 16 * GIGA, False, r"at most [\d,]+ million parameters would fit \(this one has 7,000\)"),
        (SMALL, "adapter", GIGA, False, "end other programs"),
        (7 * GIGA, "adapter", 24 * GIGA, True, "--four-bit would fit"),
        (7 * GIGA, "full", 24 * GIGA, True, "--level adapter --four-bit would fit"),
        (3 * GIGA, "full", 24 * GIGA, True, "--level adapter would fit"),
    ],
)
def test_what_does_not_fit_is_refused_with_what_would(parameters: int, level: str, free: int, gpu: bool, would: str):
    """Another level, 4 bits, or the size of a base that fits; and what it says does fit."""
    with pytest.raises(InputError, match=would):
        memory.check(parameters, level, ROW, free, gpu=gpu)


def test_what_it_says_would_fit_fits():
    """The size in the sentence is one that is not refused."""
    with pytest.raises(InputError) as caught:
        memory.check(7 * GIGA, "adapter", ROW, 16 * GIGA)
    size = int(str(caught.value).split("at most ")[1].split(" ")[0].replace(",", "")) * 10**6
    assert memory.check(size, "adapter", ROW, 16 * GIGA) <= 16 * GIGA
    assert memory.available() is None or memory.available()


def test_the_estimate_is_never_under_what_was_measured():
    """Peaks of real trainings of the embedded model, see LOG.md: longest row in tokens, bytes."""
    for tokens, peak in ((140, 2.5 * GIGA), (836, 4.0 * GIGA)):
        estimate = memory.needed(SMALL, "adapter", int(tokens * memory.CHARACTERS_A_TOKEN))
        assert peak <= estimate < 1.3 * peak


def test_the_gpu_s_memory_counts_where_there_is_one(tmp_path: Path):
    """What is free here says nothing of a GPU, and the other way round."""
    built = build(sources.read("handbook"), {}, mix=Mix.STYLE, seed=0, shown=3)
    assert training.check_memory(job(tmp_path), built, SMALL, GPU) < training.check_memory(
        job(tmp_path), built, SMALL, stages.Machine()
    )
    with pytest.raises(InputError, match=r"of GPU memory and 0\.1 GB are free"):
        training.check_memory(job(tmp_path), built, SMALL, replace(GPU, free=10**8))


@pytest.mark.parametrize(
    ("machine", "level", "remedy"),
    [
        (stages.Machine(), "adapter", "needs a CUDA GPU, and torch sees none here: leave it out"),
        (replace(GPU, bitsandbytes=False), "adapter", "pip install bitsandbytes"),
        (GPU, "full", "with --level adapter and not with full"),
    ],
)
def test_four_bits_say_what_they_lack(tmp_path: Path, machine: stages.Machine, level: str, remedy: str):
    """Without a GPU, without the library, or at another level: one sentence with what to do."""
    with pytest.raises(InputError, match=remedy):
        training.check_machine(job(tmp_path, level=level, four_bit=True), machine)
    training.check_machine(job(tmp_path, level=level), machine)
    training.check_machine(job(tmp_path, four_bit=True), GPU)


def test_a_base_that_is_cut_off_is_said_by_the_command(tmp_path: Path):
    """What a person sees who copied half a model: the sentence, no traceback, nothing trained."""
    write_header(tmp_path / "base.gguf", size=0)
    ran = subprocess.run(
        [Path(sys.executable).with_name("vocero"), "voice", "train", "--examples", "handbook", "--out", tmp_path / "o"],
        capture_output=True,
        text=True,
        env={"PATH": "/usr/bin:/bin", "VOCERO_HOME": str(tmp_path), "VOCERO_MODEL_FILE": str(tmp_path / "base.gguf")},
        timeout=100,
        check=False,
    )
    assert ran.returncode != 0
    assert "copy it again" in ran.stderr or "make setup-voice" in ran.stderr  # whichever is lacking first
    assert "Traceback" not in ran.stderr
    assert not (tmp_path / "o").exists()
