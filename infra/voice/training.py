"""A training: what it takes, its stages one after the other, and the manifest of what came of it."""

import asyncio
import hashlib
import json
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from core.errors import InputError
from core.examples import Mix
from infra.voice import adapter, memory, stages
from infra.voice.dataset import Dataset, write_rows, write_text
from infra.voice.header import Header, read_header
from infra.voice.preferences import Preferences

CONVERTED: Final = "llama"  # the architecture that convert.py knows the embedded server's names for
STEPS: Final = {Mix.STYLE: 24, Mix.RAFT: 64}  # of reading, 28 left a quarter of the answers in voice, 64 half; see LOG
RANK: Final = 8  # 4.9 MB as F16; 16 was no better on the handbook
BATCH: Final = 4
PREFERRING: Final = 5e-5  # a tenth of the training's, since it has to stay near where it started; not tuned
RATE: Final = {"adapter": 8e-4, "partial": 5e-5, "full": 2e-5}
# a voice alone is whole after 16 steps at this rate, and has nothing to read that it could lose
STYLE_RATE: Final = 1e-3


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
    four_bit: bool = False

    @property
    def rate(self) -> float:
        """The learning rate."""
        return STYLE_RATE if self.level == "adapter" and self.mix is Mix.STYLE else RATE[self.level]


def check_base(job: Job) -> Header:
    """Return the base's header; InputError when it is damaged, or of a kind whose adapter could not be served."""
    header = read_header(job.base)
    if job.level == "adapter" and header.architecture != CONVERTED:
        raise InputError(
            f"{job.base.name} is a {header.architecture or 'nameless'} model, and adapters are converted for "
            f"{CONVERTED} models only: set VOCERO_MODEL_FILE to one of those, or use --level partial."
        )
    return header


def check_machine(job: Job, machine: stages.Machine) -> None:
    """Refuse 4 bits where they cannot be loaded. InputError with what to do instead."""
    if not job.four_bit:
        return
    if job.level != "adapter":
        raise InputError(f"--four-bit freezes the base, so it goes with --level adapter and not with {job.level}.")
    if not machine.gpu:
        raise InputError("--four-bit needs a CUDA GPU, and torch sees none here: leave it out to train without.")
    if not machine.bitsandbytes:
        raise InputError(
            "--four-bit needs bitsandbytes, and it is not installed: .venv-voice/bin/pip install bitsandbytes, "
            "or leave it out."
        )


def check_memory(job: Job, dataset: Dataset, parameters: int, machine: stages.Machine) -> int:
    """Return the estimate; InputError when it does not fit into what is free on the GPU or here, saying what would."""
    longest = max(sum(len(m.content) for m in row.prompt.messages) + len(row.completion) for row in dataset.train)
    free = machine.free if machine.gpu else memory.available()
    return memory.check(parameters, job.level, longest, free, gpu=bool(machine.gpu), four_bit=job.four_bit)


async def train(job: Job, dataset: Dataset, *, threads: int) -> AsyncIterator[Mapping[str, Any]]:
    """Train and convert; yield events: `unpacking`, `ready`, `resumed`, `step`, `look`, `done`, `adapter`. InputError.

    An interrupted training goes on where it was when the same is started again.
    """
    python, began = stages.interpreter(), time.monotonic()
    sha256 = await asyncio.to_thread(adapter.digest, job.base)
    yield {"event": "unpacking"}
    unpacked = await stages.unpacked(python, job.base, sha256, job.cache)
    write_rows(job.out, dataset)
    told = dataset.manifest(mix=job.mix, seed=job.seed, source=job.source)
    spec = _spec(job, unpacked, threads, told["sha256"], sha256)
    write_text(job.out, "spec.json", json.dumps(spec, indent=1))
    watched: list[Mapping[str, Any]] = []
    ready: Mapping[str, Any] = {}
    resumed = 0
    done: Mapping[str, Any] = {}
    async for event in stages.hear(python, "tune.py", job.out / "spec.json"):
        watched += [event] if event["event"] == "look" else []
        ready = event if event["event"] == "ready" else ready
        resumed = event["step"] if event["event"] == "resumed" else resumed
        done = event if event["event"] == "done" else done
        yield event
    manifest = {
        "base": {"file": job.base.name, "sha256": sha256},
        "dataset": told,
        "level": job.level,
        "seed": job.seed,
        "steps": job.steps,
        "four_bit": job.four_bit,
        "rank": RANK,
        "rate": job.rate,
        "device": ready.get("device"),
        "resumed_at": resumed,  # the seconds are those since this step
        "looks": [{k: e[k] for k in ("step", "watched", "refused", "answered")} for e in watched],
        "best": {k: done.get(k) for k in ("best", "watched", "refused")},
        "libraries": stages.versions(python),
        "seconds": round(time.monotonic() - began, 1),
        "peak_bytes": done.get("peak"),
    }
    if job.level == "adapter":
        yield {"event": "adapter", "manifest": await stages.converted(python, job.out, job.base, manifest)}
        return
    adapter.write_manifest(job.out, manifest)
    yield {"event": "adapter", "manifest": manifest}


async def prefer(
    start: adapter.Adapter,
    known: Preferences,
    out: Path,
    base: Path,
    cache: Path,
    *,
    steps: int,
    seed: int,
    threads: int,
) -> AsyncIterator[Mapping[str, Any]]:
    """Let an adapter learn what people preferred; yield events as `train` does. The new one has no gate. InputError."""
    python, began = stages.interpreter(), time.monotonic()
    sha256 = await asyncio.to_thread(adapter.digest, base)
    adapter.check_base(start, sha256)
    yield {"event": "unpacking"}
    unpacked = await stages.unpacked(python, base, sha256, cache)
    write_text(out, "preferences.jsonl", "".join(known.lines))
    spec = {
        "base": str(unpacked),
        "start": str((start.folder / "peft").resolve()),
        "pairs": str((out / "preferences.jsonl").resolve()),
        "steps": steps,
        "seed": seed,
        "threads": threads,
        "bf16": bf16(),
        "rate": PREFERRING,
        "batch": BATCH,
    }
    write_text(out, "spec.json", json.dumps(spec, indent=1))
    done: Mapping[str, Any] = {}
    async for event in stages.hear(python, "prefer.py", out / "spec.json"):
        done = event if event["event"] == "done" else done
        yield event
    told = dict(start.manifest["dataset"])
    told["trained_on"] = sorted({*told["trained_on"], *known.ids})
    manifest = {
        **start.manifest,
        "dataset": told,
        "preferences": {
            "start": start.name,
            "sha256": known.sha256,
            "pairs": known.pairs,
            "verdicts": len(known.lines) - known.pairs,
            "scrubbed": dict(known.scrubbed),
            "steps": steps,
            "seed": seed,
            "preferred": done.get("preferred"),
        },
        "seconds": round(time.monotonic() - began, 1),
    }
    yield {"event": "adapter", "manifest": await stages.converted(python, out, base, manifest)}


def _spec(job: Job, unpacked: Path, threads: int, dataset: str, base: str) -> dict[str, Any]:
    spec = {
        "level": job.level,
        "four_bit": job.four_bit,
        "rank": RANK,
        "base": str(unpacked),
        "train": str((job.out / "train.jsonl").resolve()),
        "watch": str((job.out / "watch.jsonl").resolve()),
        "steps": job.steps,
        "seed": job.seed,
        "threads": threads,
        "bf16": bf16(),
        "rate": job.rate,
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
