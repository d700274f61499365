"""The stages that need torch, each a script in the training environment: started, heard, and their ends explained."""

import asyncio
import importlib.metadata
import importlib.util
import json
import os
import re
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from core.errors import InputError, SetupError
from infra.voice import adapter

# torch on a processor ("can't allocate memory"), on a GPU (OutOfMemoryError: CUDA out of memory), and Python itself
_NO_MEMORY: Final = re.compile(r"out of memory|OutOfMemory|allocate memory|MemoryError", re.IGNORECASE)
# the system's own words, safetensors' and torch.save's, which sees only that less was written than it gave
_NO_ROOM: Final = re.compile(
    r"No space left|os error 28|inline_container\.cc.*unexpected pos|PytorchStreamWriter failed"
)
HERE: Final = Path(__file__).parent
ENVIRONMENT: Final = HERE.parents[1] / ".venv-voice"
KEPT: Final = (  # of the environment: where things are, and which devices
    *("PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH", "HF_HOME", "XDG_CACHE_HOME"),
    *("CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES"),
)
MESSAGES: Final = 20  # lines of a stage's own words kept for the sentence about its end


def interpreter() -> Path:
    """Return the Python that has torch: ours if it does, else the training environment's. SetupError says how."""
    if importlib.util.find_spec("torch") and importlib.util.find_spec("peft"):
        return Path(sys.executable)
    python = ENVIRONMENT / "bin" / "python"
    if not python.exists():
        raise SetupError(
            "Training needs torch, and it is not installed: run make setup-voice (about 1 GB), or where there is no "
            "checkout pip install 'vocero[train]'."
        )
    return python


async def unpacked(python: Path, base: Path, sha256: str, cache: Path) -> Path:
    """Return the folder with the base as torch reads it; made once. InputError."""
    folder = cache / f"base-{sha256[:12]}"
    if not folder.exists():
        await asyncio.to_thread(cache.mkdir, parents=True, exist_ok=True)
        await run(python, "unpack.py", str(base), str(folder))
    return folder


async def converted(python: Path, out: Path, base: Path, manifest: dict[str, Any]) -> dict[str, Any]:
    """Make the folder of a trained adapter whole: its GGUF, named by its content, and the manifest. InputError."""
    fresh = out / "adapter.gguf"
    await run(python, "convert.py", str(out / "peft"), str(base), str(fresh))
    return await asyncio.to_thread(_whole, out, fresh, manifest)


def _whole(out: Path, fresh: Path, manifest: dict[str, Any]) -> dict[str, Any]:
    sha256 = adapter.digest(fresh)
    name = adapter.to_name(out, sha256)
    for old in out.glob("*.gguf"):
        if old != fresh:
            old.unlink()
    file = out / f"{name}.gguf"
    fresh.replace(file)
    manifest["name"] = name
    manifest["file"] = {"name": file.name, "sha256": sha256, "bytes": file.stat().st_size}
    (out / "peft" / "README.md").unlink(missing_ok=True)
    adapter.write_manifest(out, manifest)
    return manifest


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What trains here: the GPU's name, empty for the processor; its free bytes; whether 4 bits can be loaded."""

    gpu: str = ""
    free: int | None = None
    bf16: bool = False
    bitsandbytes: bool = False


async def machine(python: Path) -> Machine:
    """Ask torch what it trains on. InputError."""
    return Machine(**json.loads(await run(python, "machine.py")))


def may_have_gpu() -> bool:
    """Whether it is worth starting torch to ask it: there is a device of NVIDIA's or AMD's."""
    return any(Path(device).exists() for device in ("/dev/nvidiactl", "/dev/kfd", "/dev/dxg"))


def _environment() -> dict[str, str]:
    # nothing is fetched, nothing reported; and threads that wait give way (see infra/embedded/model.py)
    own = {
        "PYTHONSAFEPATH": "1",  # a launcher's children, too, import nothing from beside the script
        "HF_HUB_OFFLINE": "1",
        "TRANSFORMERS_OFFLINE": "1",
        "GOMP_SPINCOUNT": "1000",
        "TOKENIZERS_PARALLELISM": "false",
    }
    return {**{name: value for name in KEPT if (value := os.environ.get(name))}, **own}


async def hear(python: Path, script: str, spec: Path) -> AsyncIterator[Mapping[str, Any]]:
    """Start a training stage and yield what it tells. InputError with the reason when it ends badly."""
    process = await asyncio.create_subprocess_exec(
        *(_launcher(python) if script == "tune.py" else [python, "-P"]), HERE / script, spec,
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
            raise reason(process.returncode or 0, await words)
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()
        words.cancel()


def _launcher(python: Path) -> list[str | Path]:
    """Several GPUs or machines are accelerate's business: `accelerate config` says which, once."""
    caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    hub = Path(os.environ.get("HF_HOME") or caches / "huggingface")
    if (hub / "accelerate" / "default_config.yaml").exists():
        return [python, "-P", "-m", "accelerate.commands.launch"]
    return [python, "-P"]


async def run(python: Path, script: str, *words: str) -> bytes:
    """Run a short stage to its end; return what it wrote. InputError with the reason when it ends badly."""
    process = await asyncio.create_subprocess_exec(
        python, "-P", HERE / script, *words,
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        env=_environment(),
    )  # fmt: skip
    wrote, said = await process.communicate()
    if process.returncode:
        raise reason(process.returncode, said.decode(errors="replace").splitlines()[-MESSAGES:])
    return wrote


async def _last_words(stream: asyncio.StreamReader) -> list[str]:
    lines: list[str] = []
    while chunk := await stream.read(65536):
        lines = (lines + chunk.decode(errors="replace").splitlines())[-MESSAGES:]
    return lines


def reason(status: int, lines: list[str]) -> InputError:
    """Return why a stage ended, with the remedy."""
    text = "\n".join(lines)
    if status in (-9, 137) or _NO_MEMORY.search(text):
        return InputError("The training ran out of memory: end other programs or take a smaller base; it resumes.")
    if _NO_ROOM.search(text):
        return InputError("The disk is full: make room, or name another --out; the training resumes.")
    if "No module named" in text:
        return InputError("The training environment is not whole: run make setup-voice again.")
    last = next((line.strip() for line in reversed(lines) if line.strip()), "it said nothing")
    return InputError(f"The training ended: {last[:300]}")


def versions(python: Path) -> dict[str, str]:
    """Return the versions of the libraries that train."""
    places = list((python.parents[1] / "lib").glob("python3*/site-packages"))
    found = importlib.metadata.distributions(path=[str(place) for place in places])
    names = ("torch", "transformers", "peft", "accelerate", "gguf")
    return {d.name: d.version for d in found if d.name in names}
