"""The base model as torch reads it: a GGUF file unpacked to the hub's format, once. Runs in the training environment.

    python unpack.py MODEL.gguf FOLDER

Training libraries refuse a model that was loaded from GGUF ("quantized with QuantizationMethod.GGUF") although its
weights are plain float32 by then: the marks are taken off before it is saved.
"""

import sys
from pathlib import Path

MARKS = ("hf_quantizer", "is_quantized", "quantization_method")


def unpack(gguf: Path, folder: Path) -> None:
    """Write weights, configuration and tokenizer to a folder that appears whole or not at all."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name)
    model = AutoModelForCausalLM.from_pretrained(gguf.parent, gguf_file=gguf.name, dtype=torch.float32)
    for mark in MARKS:
        if hasattr(model, mark):
            delattr(model, mark)
    if hasattr(model.config, "quantization_config"):
        del model.config.quantization_config
    fresh = folder.with_name(f".{folder.name}.fresh")
    model.save_pretrained(fresh)
    tokenizer.save_pretrained(fresh)
    fresh.rename(folder)


if __name__ == "__main__":
    unpack(Path(sys.argv[1]), Path(sys.argv[2]))
