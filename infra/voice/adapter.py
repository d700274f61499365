"""The trained thing: a folder with an adapter for llama.cpp, the same for TGI and vLLM, and the manifest of both.

DIR/manifest.json   what it is, what it was trained on, what was held back
DIR/NAME.gguf       for the embedded server
DIR/peft/           for TGI (--lora-adapters NAME=DIR/peft) and vLLM
DIR/gate.json       what the comparison found, once there was one
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.errors import InputError
from core.messages import Arm

MANIFEST = "manifest.json"
GATE = "gate.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Adapter:
    """A trained adapter whose file is the one its manifest names."""

    folder: Path
    name: str
    file: Path
    sha256: str
    manifest: Mapping[str, Any]

    @property
    def base(self) -> str:
        """The digest of the base model it was trained on."""
        return str(self.manifest["base"]["sha256"])

    @property
    def arm(self) -> Arm:
        """How it answers when it is live."""
        return Arm.RAFT if self.manifest["dataset"]["mix"] == "raft" else Arm.HYBRID

    @property
    def stems(self) -> frozenset[str]:
        """The stems that its voice brings along."""
        return frozenset(self.manifest["dataset"]["voice_stems"])

    @property
    def held_back(self) -> frozenset[str]:
        """The ids of the examples it has never seen."""
        return frozenset(self.manifest["dataset"]["held_back"])

    def gate(self) -> Mapping[str, Any] | None:
        """Return what the comparison of this very file found, None before one."""
        try:
            found = json.loads((self.folder / GATE).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return found if found.get("sha256") == self.sha256 else None


def read_adapter(folder: Path) -> Adapter:
    """Read an adapter and check its file. InputError with the remedy."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        if isinstance(manifest, dict) and manifest.get("level") in ("partial", "full"):
            raise InputError(
                f"{folder} holds a whole model and no adapter: serve {folder / 'model'} by TGI or vLLM and set "
                "VOCERO_MODEL_URL to it."
            )
        file = folder / Path(manifest["file"]["name"]).name
        sha256 = digest(file)
        adapter = Adapter(folder=folder, name=str(manifest["name"]), file=file, sha256=sha256, manifest=manifest)
        _ = adapter.base, adapter.arm, adapter.stems, adapter.held_back
    except OSError as error:
        raise InputError(
            f"{folder} is no adapter ({error.strerror}): train one by vocero voice train --out DIR."
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"The manifest of {folder} is broken: train again by vocero voice train.") from error
    if sha256 != manifest["file"]["sha256"]:
        raise InputError(
            f"{file} is not the file its manifest names: it was damaged or changed; train or copy it again."
        )
    return adapter


def write_manifest(folder: Path, manifest: Mapping[str, Any]) -> None:
    """Write what is to be known of a training. InputError when the disk refuses."""
    try:
        text = json.dumps(manifest, indent=1, ensure_ascii=False, sort_keys=True)
        (folder / MANIFEST).write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise InputError(f"{folder} cannot be written ({error.strerror}): make room there; it resumes.") from error


def check_base(adapter: Adapter, base: str) -> None:
    """Refuse an adapter for another model. InputError."""
    if adapter.base != base:
        raise InputError(
            f"{adapter.name} was trained on another base model (sha256 {adapter.base[:12]}…, and this one has "
            f"{base[:12]}…): set VOCERO_MODEL_FILE to that model, or train on this one."
        )


def digest(file: Path) -> str:
    """Return a file's SHA-256. OSError."""
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def to_name(folder: Path, sha256: str) -> str:
    """Return an adapter's name: its folder's, with the digest, so that a new content is a new name."""
    return f"{re.sub(r'[^a-z0-9]+', '-', folder.resolve().name.lower()).strip('-') or 'voice'}-{sha256[:8]}"
