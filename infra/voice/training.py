"""Starts the training in its own environment and hears what it says; makes the adapter's folder whole at the end."""

import asyncio
import hashlib
import importlib.metadata
import importlib.util
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from core.errors import InputError, SetupError
from core.examples import Mix
from infra.voice import adapter
from infra.voice.dataset import Dataset, write_rows

HERE: Final = Path(__file__).parent
ENVIRONMENT: Final = HERE.parents[1] / ".venv-voice"
LEVELS: Final = ("adapter", "partial", "full")
STEPS: Final = {Mix.STYLE: 24, Mix.RAFT: 40}  # the sketches' voice was whole after 20; refusals and citations after 40
RANK: Final = 8  # 4.9 MB as F16; 16 was no better on the handbook
BATCH: Final = 4
RATE: Final = {"adapter": 1e-3, "partial": 5e-5, "full": 2e-5}
# What one token of the longest row keeps for the way back in a 135M model, measured: 1.9 MB in float32.
BYTES_A_TOKEN: Final = 2_000_000
LIBRARIES: Final = 900_000_000  # torch and transformers themselves
BYTES_A_WEIGHT: Final = {"adapter": 8, "partial": 12, "full": 20}  # with a copy while loading, gradients, Adam's means
CHARACTERS_A_TOKEN: Final = 3.2
PARAMETERS_A_BYTE: Final = 1.4  # of a Q4_1 file; more exact figures need the libraries we have not started yet
MESSAGES: Final = 20  # lines of the trainer's own words kept for the sentence about its end


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One training."""

    out: Path
    base: Path
    cache: Path  # where the unpacked base is kept between trainings
    mix: Mix
    level: str
    steps: int
    seed: int
    source: str


def interpreter() -> Path:
    """Return the Python that has torch: ours if it does, else the training environment's. SetupError says how."""
    if importlib.util.find_spec("torch") and importlib.util.find_spec("peft"):
        return Path(sys.executable)
    python = ENVIRONMENT / "bin" / "python"
    if not python.exists():
        raise SetupError("Training needs torch, and it is not installed: run make setup-voice (about 1 GB).")
    return python


def needed(base: Path, level: str, longest: int) -> int:
    """Return the bytes of memory that a training takes; `longest` are the characters of the longest row."""
    parameters = base.stat().st_size * PARAMETERS_A_BYTE
    wide = max(1.0, parameters / 135e6) ** 0.6  # what a token keeps grows with width and depth
    return int(LIBRARIES + parameters * BYTES_A_WEIGHT[level] + wide * BYTES_A_TOKEN * longest / CHARACTERS_A_TOKEN)


def available() -> int | None:
    """Return the bytes of memory that are free for us, None where that cannot be known."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    free = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable"))
    limit = Path("/sys/fs/cgroup/memory.max")
    if limit.exists() and (most := limit.read_text(encoding="ascii").strip()).isdigit():
        used = int(Path("/sys/fs/cgroup/memory.current").read_text(encoding="ascii"))
        free = min(free, int(most) - used)
    return free


def check_memory(job: Job, dataset: Dataset, free: int | None) -> int:
    """Return the estimate; InputError when it does not fit, saying what would."""
    longest = max(sum(len(m.content) for m in row.prompt.messages) + len(row.completion) for row in dataset.train)
    need = needed(job.base, job.level, longest)
    if free is not None and need > free:
        smaller = next((level for level in LEVELS if needed(job.base, level, longest) <= free), None)
        would = f"--level {smaller} would fit" if smaller and smaller != job.level else "a smaller base model would fit"
        raise InputError(
            f"This training needs about {need / 1e9:.1f} GB of memory and {free / 1e9:.1f} GB are free: {would}."
        )
    return need


async def train(job: Job, dataset: Dataset, *, threads: int) -> AsyncIterator[Mapping[str, Any]]:
    """Train and convert; yield events: `unpacking`, `ready`, `resumed`, `step`, `look`, `done`, `adapter`. InputError.

    An interrupted training goes on where it was when the same is started again.
    """
    python, began = interpreter(), time.monotonic()
    sha256 = await asyncio.to_thread(adapter.digest, job.base)
    unpacked = job.cache / f"base-{sha256[:12]}"
    if not unpacked.exists():
        yield {"event": "unpacking"}
        await _run(python, HERE / "unpack.py", str(job.base), str(unpacked), cache=job.cache)
    write_rows(job.out, dataset)
    told = dataset.manifest(mix=job.mix, seed=job.seed, source=job.source)
    spec = _spec(job, unpacked, threads, told["sha256"], sha256)
    (job.out / "spec.json").write_text(json.dumps(spec, indent=1), encoding="utf-8")
    watched: list[Mapping[str, Any]] = []
    done: Mapping[str, Any] = {}
    async for event in _tuning(python, job.out / "spec.json"):
        watched += [event] if event["event"] == "look" else []
        done = event if event["event"] == "done" else done
        yield event
    manifest = {
        "base": {"file": job.base.name, "sha256": sha256},
        "dataset": told,
        "level": job.level,
        "seed": job.seed,
        "steps": job.steps,
        "rank": RANK,
        "rate": RATE[job.level],
        "looks": [{k: e[k] for k in ("step", "watched", "refused", "answered")} for e in watched],
        "best": {k: done.get(k) for k in ("best", "watched", "refused")},
        "libraries": _versions(python),
        "seconds": round(time.monotonic() - began, 1),
        "peak_bytes": done.get("peak"),
    }
    yield {"event": "adapter", "manifest": await _whole(python, job, manifest)}


async def _whole(python: Path, job: Job, manifest: dict[str, Any]) -> dict[str, Any]:
    if job.level == "adapter":
        fresh = job.out / "adapter.gguf"
        await _run(python, HERE / "convert.py", str(job.out / "peft"), str(job.base), str(fresh), cache=job.cache)
        sha256 = adapter.digest(fresh)
        name = adapter.to_name(job.out, sha256)
        for old in job.out.glob("*.gguf"):
            if old != fresh:
                old.unlink()
        fresh.rename(job.out / f"{name}.gguf")
        manifest["name"] = name
        manifest["file"] = {
            "name": f"{name}.gguf",
            "sha256": sha256,
            "bytes": (job.out / f"{name}.gguf").stat().st_size,
        }
        (job.out / "peft" / "README.md").unlink(missing_ok=True)
    text = json.dumps(manifest, indent=1, ensure_ascii=False, sort_keys=True)
    (job.out / adapter.MANIFEST).write_text(text + "\n", encoding="utf-8")
    return manifest


def _spec(job: Job, unpacked: Path, threads: int, dataset: str, base: str) -> dict[str, Any]:
    spec = {
        "level": job.level,
        "rank": RANK,
        "base": str(unpacked),
        "train": str((job.out / "train.jsonl").resolve()),
        "watch": str((job.out / "watch.jsonl").resolve()),
        "steps": job.steps,
        "seed": job.seed,
        "threads": threads,
        "bf16": bf16(),
        "rate": RATE[job.level],
        "batch": BATCH,
    }
    known = {**spec, "base": base, "train": dataset, "watch": "", "threads": 0}
    return {**spec, "digest": hashlib.sha256(json.dumps(known, sort_keys=True).encode()).hexdigest()}


def bf16() -> bool:
    """Whether this processor multiplies bfloat16 itself: a step then takes a third of the time."""
    try:
        return "avx512_bf16" in Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace")
    except OSError:
        return False


def _environment() -> dict[str, str]:
    # nothing is fetched, nothing reported; and threads that wait give way (see infra/embedded/model.py)
    own = {
        "HF_HUB_OFFLINE": "1",
        "TRANSFORMERS_OFFLINE": "1",
        "GOMP_SPINCOUNT": "1000",
        "TOKENIZERS_PARALLELISM": "false",
    }
    kept = {name: value for name in ("PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH", "CUDA_VISIBLE_DEVICES")
            if (value := os.environ.get(name))}  # fmt: skip
    return {**kept, **own}


async def _tuning(python: Path, spec: Path) -> AsyncIterator[Mapping[str, Any]]:
    process = await asyncio.create_subprocess_exec(
        *_launcher(python), HERE / "tune.py", spec,
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        env=_environment(), limit=2**20,
    )  # fmt: skip
    if process.stdout is None or process.stderr is None:
        raise RuntimeError("both were asked for")
    words = asyncio.create_task(_last_words(process.stderr))
    try:
        async for line in process.stdout:
            if line.startswith(b"{"):
                yield json.loads(line)
        if await process.wait():
            raise _reason(process.returncode or 0, await words)
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()
        words.cancel()


def _launcher(python: Path) -> list[str | Path]:
    """Several GPUs or machines are accelerate's business: `accelerate config` says which, once."""
    configured = (
        Path(os.environ.get("HF_HOME", Path.home() / ".cache" / "huggingface")) / "accelerate" / "default_config.yaml"
    )
    if configured.exists():
        return [python, "-P", "-m", "accelerate.commands.launch"]
    return [python, "-P"]


async def _run(python: Path, script: Path, *words: str, cache: Path) -> None:
    cache.mkdir(parents=True, exist_ok=True)  # noqa: ASYNC240
    process = await asyncio.create_subprocess_exec(
        python, "-P", script, *words,
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
        env=_environment(),
    )  # fmt: skip
    _, said = await process.communicate()
    if process.returncode:
        raise _reason(process.returncode, said.decode(errors="replace").splitlines()[-MESSAGES:])


async def _last_words(stream: asyncio.StreamReader) -> list[str]:
    lines: list[str] = []
    while chunk := await stream.read(65536):
        lines = (lines + chunk.decode(errors="replace").splitlines())[-MESSAGES:]
    return lines


def _reason(status: int, lines: list[str]) -> InputError:
    """Return why a stage ended, with the remedy."""
    text = "\n".join(lines)
    if status in (-9, 137) or "out of memory" in text.casefold() or "MemoryError" in text:
        return InputError("The training ran out of memory: end other programs or take a smaller base; it resumes.")
    if "No space left" in text or "os error 28" in text:
        return InputError("The disk is full: make room, or name another --out; the training resumes.")
    if "No module named" in text:
        return InputError("The training environment is not whole: run make setup-voice again.")
    last = next((line.strip() for line in reversed(lines) if line.strip()), "it said nothing")
    return InputError(f"The training ended: {last[:300]}")


def _versions(python: Path) -> dict[str, str]:
    places = list((python.parents[1] / "lib").glob("python3*/site-packages"))
    found = importlib.metadata.distributions(path=[str(place) for place in places])
    names = ("torch", "transformers", "peft", "accelerate", "gguf")
    return {d.name: d.version for d in found if d.name in names}
