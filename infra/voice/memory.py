"""How much memory a training takes, before it starts; and what would fit where it does not.

Fitted to peaks that were measured on a processor (see LOG.md); for a GPU it is reckoned, not measured.
"""

from pathlib import Path
from typing import Final

from core.errors import InputError

LEVELS: Final = ("adapter", "partial", "full")
# What one token of the longest row keeps for the way back in a 135M model, measured: 1.9 MB in float32.
BYTES_A_TOKEN: Final = 2_000_000
# torch, transformers and what they keep; over the peaks that were measured by .1 to .4 GB, never under
LIBRARIES: Final = 1_600_000_000
CONTEXT: Final = 1_000_000_000  # of a GPU: what CUDA and its workspaces take, reckoned
BYTES_A_WEIGHT: Final = {"adapter": 8, "partial": 12, "full": 20}  # with a copy while loading, gradients, Adam's means
# of a GPU: the frozen base in bf16, or all in float32; a quarter of the layers with gradients and Adam's means; all
BYTES_ON_GPU: Final = {"adapter": 2.2, "partial": 8, "full": 16}
BYTES_IN_FOUR_BITS: Final = 0.8  # nf4 with its scales; the embeddings stay whole
CHARACTERS_A_TOKEN: Final = 3.2
SMALLEST: Final = 10_000_000  # parameters; a smaller model says nothing
_STEP: Final = 1.05


def needed(parameters: int, level: str, longest: int, *, gpu: bool = False, four_bit: bool = False) -> int:
    """Return the bytes that a training takes; `longest` are the characters of the longest row."""
    weight = BYTES_IN_FOUR_BITS if four_bit else (BYTES_ON_GPU if gpu else BYTES_A_WEIGHT)[level]
    wide = max(1.0, parameters / 135e6) ** 0.6  # what a token keeps grows with width and depth
    return int(
        (CONTEXT if gpu else LIBRARIES) + parameters * weight + wide * BYTES_A_TOKEN * longest / CHARACTERS_A_TOKEN
    )


def check(
    parameters: int, level: str, longest: int, free: int | None, *, gpu: bool = False, four_bit: bool = False
) -> int:
    """Return the estimate; InputError when it does not fit, saying what would."""
    need = needed(parameters, level, longest, gpu=gpu, four_bit=four_bit)
    if free is not None and need > free:
        where = "GPU memory" if gpu else "memory"
        raise InputError(
            f"This training needs about {need / 1e9:.1f} GB of {where} and {free / 1e9:.1f} GB are free: "
            f"{_would(parameters, level, longest, free, gpu=gpu, four_bit=four_bit)}."
        )
    return need


def _would(parameters: int, level: str, longest: int, free: int, *, gpu: bool, four_bit: bool) -> str:
    for other in LEVELS[: LEVELS.index(level)]:
        if needed(parameters, other, longest, gpu=gpu) <= free:
            return f"--level {other} would fit"
    if gpu and not four_bit and needed(parameters, "adapter", longest, gpu=True, four_bit=True) <= free:
        return "--four-bit would fit" if level == "adapter" else "--level adapter --four-bit would fit"
    size = float(SMALLEST)
    while needed(int(size * _STEP), "adapter", longest, gpu=gpu, four_bit=four_bit) <= free:
        size *= _STEP
    if size == SMALLEST:
        return "end other programs, since no base model would fit"
    return (
        f"a base model of at most {size / 1e6:,.0f} million parameters would fit (this one has {parameters / 1e6:,.0f})"
    )


def available() -> int | None:
    """Return the bytes of memory that are free for us, None where that cannot be known."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    free = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable"))
    group = Path("/sys/fs/cgroup")
    try:
        most = (group / "memory.max").read_text(encoding="ascii").strip()
        used = int((group / "memory.current").read_text(encoding="ascii"))
        told = dict(line.split() for line in (group / "memory.stat").read_text(encoding="ascii").splitlines())
    except (OSError, ValueError):
        return free
    # files that were read once count as used, and are given back when somebody wants the room
    return min(free, int(most) - used + int(told.get("inactive_file", 0))) if most.isdigit() else free
