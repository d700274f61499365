"""Write a LoRA adapter as GGUF: random weights on one layer of SmolLM2-135M, strong enough to change every answer."""

import struct
from pathlib import Path

import numpy as np

RANK = 4
ALIGN = 32


def write_lora(path: Path, *, seed: int, strength: float = 0.2) -> Path:
    """Write an adapter for the last block's `ffn_down` (1536 -> 576) and return its path."""
    chance = np.random.default_rng(seed)
    tensors = {
        "blk.29.ffn_down.weight.lora_a": chance.normal(0, strength, (RANK, 1536)).astype("<f4"),
        "blk.29.ffn_down.weight.lora_b": chance.normal(0, strength, (576, RANK)).astype("<f4"),
    }
    words = {"general.architecture": "llama", "general.type": "adapter", "adapter.type": "lora"}
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(words) + 1)
    for key, value in words.items():
        head += _text(key) + struct.pack("<I", 8) + _text(value)
    head += _text("adapter.lora.alpha") + struct.pack("<If", 6, RANK)
    offset = 0
    for name, tensor in tensors.items():
        head += _text(name) + struct.pack("<IQQIQ", 2, *reversed(tensor.shape), 0, offset)
        offset += -(-tensor.nbytes // ALIGN) * ALIGN
    path.write_bytes(b"".join(map(_aligned, [head, *(tensor.tobytes() for tensor in tensors.values())])))
    return path


def _text(text: str) -> bytes:
    return struct.pack("<Q", len(text)) + text.encode()


def _aligned(block: bytes) -> bytes:
    return block + b"\0" * (-len(block) % ALIGN)
