"""A PEFT adapter of the Llama family as llama.cpp loads it: GGUF, F16. Runs in the training environment, by its path.

    python convert.py PEFT_FOLDER BASE.gguf ADAPTER.gguf

Verified against the hub's logits: the rows of B for q and k change from the hub's rotary layout to ggml's.
"""

import json
import re
import struct
import sys
from pathlib import Path
from typing import Any

import gguf
import numpy as np

KINDS = {"F32": np.float32, "F16": np.float16}
WEIGHT = re.compile(r"(?:base_model\.model\.)?(.*)\.lora_(A|B)(?:\.default)?\.weight$")


def tensors(file: Path) -> dict[str, Any]:
    """Read a safetensors file as float32."""
    raw = file.read_bytes()
    (length,) = struct.unpack("<Q", raw[:8])
    head = json.loads(raw[8 : 8 + length])
    return {
        name: np.frombuffer(raw[8 + length :][slice(*at["data_offsets"])], KINDS[at["dtype"]])
        .reshape(at["shape"])
        .astype(np.float32)
        for name, at in head.items()
        if name != "__metadata__"
    }


def turned(weight: Any, heads: int) -> Any:
    """Change rows from the hub's rotary layout (halves) to ggml's (pairs)."""
    return (
        weight.reshape(heads, 2, weight.shape[0] // heads // 2, *weight.shape[1:]).swapaxes(1, 2).reshape(weight.shape)
    )


def pairs(folder: Path, base: Path) -> tuple[dict[str, dict[str, Any]], float]:
    """Return A and B by ggml's names, and alpha. ValueError when the adapter is of a kind or base we cannot convert."""
    reader = gguf.GGUFReader(base)
    known = {key: value.contents() for key, value in reader.fields.items() if key.startswith(("llama.", "general."))}
    if known["general.architecture"] != "llama":
        raise ValueError(f"the base is a {known['general.architecture']} model, and only llama models are converted")
    config = json.loads((folder / "adapter_config.json").read_text())
    if config.get("use_dora") or config.get("use_rslora") or config.get("rank_pattern") or config.get("alpha_pattern"):
        raise ValueError("only plain LoRA is converted")
    heads = {"attn_q": known["llama.attention.head_count"], "attn_k": known["llama.attention.head_count_kv"]}
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA, known["llama.block_count"])
    shapes = {tensor.name: tensor.shape.tolist() for tensor in reader.tensors}
    found: dict[str, dict[str, Any]] = {}
    for name, weight in tensors(folder / "adapter_model.safetensors").items():
        match = WEIGHT.match(name)
        ours = names.get_name(match[1]) if match else None
        if match is None or ours is None or f"{ours}.weight" not in shapes:
            raise ValueError(f"the base has no place for {name}")
        kind = ours.rpartition(".")[2]
        turns = match[2] == "B" and kind in heads
        found.setdefault(f"{ours}.weight", {})[match[2]] = turned(weight, heads[kind]) if turns else weight
    for name, pair in found.items():
        if [pair["A"].shape[1], pair["B"].shape[0]] != shapes[name]:
            raise ValueError(f"{name} has another shape in the base: the adapter was trained on another one")
    return found, float(config["lora_alpha"])


def convert(folder: Path, base: Path, target: Path) -> None:
    """Write the adapter."""
    found, alpha = pairs(folder, base)
    writer = gguf.GGUFWriter(str(target), "llama")
    writer.add_type(gguf.GGUFType.ADAPTER)
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", alpha)
    for name, pair in sorted(found.items()):
        writer.add_tensor(f"{name}.lora_a", np.ascontiguousarray(pair["A"], np.float16))
        writer.add_tensor(f"{name}.lora_b", np.ascontiguousarray(pair["B"], np.float16))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


if __name__ == "__main__":
    try:
        convert(*map(Path, sys.argv[1:]))
    except ValueError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(2)
