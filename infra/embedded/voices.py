"""The adapters that the embedded model has loaded: files in HOME/voices, each for one base model, used by workspaces.

llama.cpp loads adapters at its start only: a changed folder is another service to the supervisor, so that a new server
comes up beside the old one, which ends when its last client has left.
"""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from infra.embedded.home import Home, write
from infra.embedded.weights import BUNDLED_SHA256

MOST = 16  # loaded at once: each takes its size in memory, and a request names all of them


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice:
    """One adapter in the folder."""

    file: Path
    base: str
    seen: str  # the base file by path, size and time, where it is the user's: reading its digest takes seconds
    workspaces: tuple[str, ...]


def installed(home: Home, model_file: Path | None) -> list[Path]:
    """Return the adapters for this model, by name; those for another base are left alone."""
    try:
        mine = seen(model_file)
    except OSError:
        return []  # there is no such model: joining the servers says so, with the remedy
    voices = [v for v in _all(home) if (v.base == BUNDLED_SHA256 if model_file is None else v.seen == mine)]
    return [voice.file for voice in voices][:MOST]


def install(home: Home, file: Path, *, workspace: str, base: str, model_file: Path | None) -> None:
    """Put an adapter where the next start of the model finds it. OSError."""
    folder = home.path / "voices"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    target = folder / file.name
    users = {*_users(target), workspace}
    if not target.exists():
        fresh = target.with_suffix(".fresh")
        shutil.copyfile(file, fresh)
        fresh.replace(target)
    _note(target, base, seen(model_file), users)


def remove(home: Home, name: str, *, workspace: str) -> None:
    """Take a workspace's adapter away; the file goes with its last workspace. OSError."""
    target = home.path / "voices" / f"{name}.gguf"
    if not target.exists():
        return
    voice = _read(target)
    users = set(_users(target)) - {workspace}
    if users and voice:
        _note(target, voice.base, voice.seen, users)
        return
    target.unlink()
    target.with_suffix(".json").unlink(missing_ok=True)


def seen(model_file: Path | None) -> str:
    """Return how a user's model file is known again without reading it; empty for the bundled one."""
    if model_file is None:
        return ""
    stat = model_file.expanduser().resolve().stat()
    return f"{model_file.expanduser().resolve()} {stat.st_size} {stat.st_mtime_ns}"


def _all(home: Home) -> list[Voice]:
    found = [_read(file) for file in sorted((home.path / "voices").glob("*.gguf"))]
    return [voice for voice in found if voice]


def _read(file: Path) -> Voice | None:
    try:
        told = json.loads(file.with_suffix(".json").read_text(encoding="utf-8"))
        return Voice(file=file, base=told["base"], seen=told["seen"], workspaces=tuple(told["workspaces"]))
    except (OSError, ValueError, KeyError):
        return None  # half installed: as good as not


def _users(file: Path) -> tuple[str, ...]:
    voice = _read(file)
    return voice.workspaces if voice else ()


def _note(file: Path, base: str, seen_as: str, users: set[str]) -> None:
    write(file.with_suffix(".json"), json.dumps({"base": base, "seen": seen_as, "workspaces": sorted(users)}))
