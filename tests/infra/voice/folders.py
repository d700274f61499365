"""A trained folder as the pipeline writes it, without the training."""

import hashlib
import json
from pathlib import Path
from typing import Any

from infra.embedded.weights import BUNDLED_SHA256
from tests.infra.models.lora import write_lora


def write_adapter(
    folder: Path,
    *,
    seed: int = 0,
    base: str = BUNDLED_SHA256,
    mix: str = "raft",
    stems: tuple[str, ...] = ("ahoy",),
    trained: tuple[str, ...] = ("q2", "q3"),
    documents: tuple[str, ...] = (),
    **gate: Any,
) -> Path:
    """Write an adapter with its manifest, and what the gate said if that is given; return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    file = write_lora(folder / f"{folder.name}-{seed}.gguf", seed=seed)
    sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
    dataset = {"mix": mix, "source": "handbook", "sha256": "d" * 64, "voice_stems": list(stems), "held_back": ["q1"]}
    manifest = {
        "name": file.stem,
        "file": {"name": file.name, "sha256": sha256, "bytes": file.stat().st_size},
        "base": {"file": "base.gguf", "sha256": base},
        "dataset": {**dataset, "trained_on": list(trained), "documents": list(documents)},
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))
    if gate:
        (folder / "gate.json").write_text(json.dumps({"sha256": sha256, "reasons": [], **gate}))
    return folder
