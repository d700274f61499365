"""The forward pass of a six-layer BERT with mean pooling, in numpy: exact to 1e-6 against the original in torch."""

import ctypes
import json
import struct
from collections.abc import Sequence
from itertools import accumulate, pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

LAYERS, HEADS, WIDTH = 6, 12, 384
EPSILON = np.float32(1e-12)
SCALE = np.float32((WIDTH // HEADS) ** -0.5)
GELU_ROWS = 64  # of 1,536 numbers: what three of fit the second-level cache
# Abramowitz and Stegun 7.1.26: erf(z) = 1 - (a1 t + ... + a5 t^5) exp(-z^2), t = 1 / (1 + p z), to 1.5e-7; halved.
ERF = [np.float32(a / 2) for a in (1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592)]
ERF_P = np.float32(0.3275911 * 0.5**0.5)
HALF, ONE, ZERO = np.float32(0.5), np.float32(1), np.float32(0)


class Layer(NamedTuple):
    """One layer's weights, as `x @ weight + bias` wants them."""

    qkv: Array
    qkv_bias: Array
    out: Array
    out_bias: Array
    norm1: Array
    norm1_bias: Array
    up: Array
    up_bias: Array
    down: Array
    down_bias: Array
    norm2: Array
    norm2_bias: Array


class Bert:
    """The model, read from a safetensors file; safe to use from several threads."""

    def __init__(self, file: Path) -> None:
        _one_thread_per_call()
        weights = _read(file)
        self._words = weights["embeddings.word_embeddings.weight"]
        self._words[:, 0].max()  # looks at every page once: rare words come from memory, too, and it grows no more
        self._places = weights["embeddings.position_embeddings.weight"]
        self._places = self._places + weights["embeddings.token_type_embeddings.weight"][0]
        self._norm = weights["embeddings.LayerNorm.weight"], weights["embeddings.LayerNorm.bias"]
        self._layers = [_layer(weights, number) for number in range(LAYERS)]

    def embed(self, ids: Sequence[Sequence[int]]) -> list[list[float]]:
        """Return the unit vectors of tokenized texts, computed as one long row of tokens without padding."""
        lengths = [len(one) for one in ids]
        starts = [0, *accumulate(lengths)]
        x = self._words[np.concatenate(ids)] + self._places[np.concatenate([np.arange(n) for n in lengths])]
        x = _normalise(x, *self._norm)
        for layer in self._layers:
            attended = _attend(x @ layer.qkv + layer.qkv_bias, starts) @ layer.out
            attended += layer.out_bias
            attended += x
            x = _normalise(attended, layer.norm1, layer.norm1_bias)
            widened = x @ layer.up
            widened += layer.up_bias
            narrowed = _gelu(widened) @ layer.down
            narrowed += layer.down_bias
            narrowed += x
            x = _normalise(narrowed, layer.norm2, layer.norm2_bias)
        sums = np.add.reduceat(x, starts[:-1], axis=0)  # the mean's direction is all that counts
        vectors: list[list[float]] = (sums / np.linalg.norm(sums, axis=1, keepdims=True)).tolist()
        return vectors


def _attend(qkv: Array, starts: Sequence[int]) -> Array:
    """Self-attention within each text; `qkv` is (tokens, 3 * WIDTH)."""
    attended = np.empty((len(qkv), WIDTH), np.float32)
    for start, end in pairwise(starts):
        n = end - start
        query, key, value = qkv[start:end].reshape(n, 3, HEADS, WIDTH // HEADS).transpose(1, 2, 0, 3)
        weight = query @ key.transpose(0, 2, 1)
        weight *= SCALE
        weight -= weight.max(-1, keepdims=True)
        np.exp(weight, out=weight)
        weight /= weight.sum(-1, keepdims=True)
        attended[start:end] = (weight @ value).transpose(1, 0, 2).reshape(n, WIDTH)
    return attended


def _normalise(x: Array, weight: Array, bias: Array) -> Array:
    """Layer normalisation, in place."""
    x -= x.mean(-1, keepdims=True)
    variance = np.einsum("ij,ij->i", x, x) / np.float32(x.shape[-1])
    x *= (ONE / np.sqrt(variance + EPSILON))[:, None]
    x *= weight
    x += bias
    return x


def _gelu(x: Array) -> Array:
    """x times the normal distribution's share below x, in place: max(x, 0) - |x| erfc(|x| / sqrt 2) / 2."""
    for first in range(0, len(x), GELU_ROWS):
        rows = x[first : first + GELU_ROWS]
        size = np.abs(rows)
        t = size * ERF_P
        t += ONE
        np.divide(ONE, t, out=t)
        tail = t * ERF[0]
        for coefficient in ERF[1:]:
            tail += coefficient
            tail *= t
        np.multiply(size, size, out=t)
        t *= -HALF
        tail *= np.exp(t, out=t)
        tail *= size
        np.maximum(rows, ZERO, out=rows)
        rows -= tail
    return x


def _layer(weights: dict[str, Array], number: int) -> Layer:
    def get(name: str) -> Array:
        return np.array(weights[f"encoder.layer.{number}.{name}"])

    def matrix(name: str) -> Array:
        return np.ascontiguousarray(weights[f"encoder.layer.{number}.{name}.weight"].T)

    heads = [f"attention.self.{name}" for name in ("query", "key", "value")]
    return Layer(
        *(np.concatenate([matrix(name) for name in heads], axis=1), np.concatenate([get(f"{n}.bias") for n in heads])),
        *(matrix("attention.output.dense"), get("attention.output.dense.bias")),
        *(get("attention.output.LayerNorm.weight"), get("attention.output.LayerNorm.bias")),
        *(matrix("intermediate.dense"), get("intermediate.dense.bias")),
        *(matrix("output.dense"), get("output.dense.bias")),
        *(get("output.LayerNorm.weight"), get("output.LayerNorm.bias")),
    )


def _read(file: Path) -> dict[str, Array]:
    """The 32-bit tensors of a safetensors file: eight bytes of header length, a JSON header, then the numbers.

    Each is mapped by itself, so that what nobody keeps takes no memory.
    """
    with file.open("rb") as content:
        (length,) = struct.unpack("<Q", content.read(8))
        header = json.loads(content.read(length))
    tensors = {}
    for name, tensor in header.items():
        if tensor.get("dtype") == "F32":
            start, shape = 8 + length + tensor["data_offsets"][0], tuple(tensor["shape"])
            tensors[name] = np.asarray(np.memmap(file, np.float32, "r", offset=start, shape=shape))
    return tensors


def _one_thread_per_call() -> None:
    """Tell numpy's OpenBLAS to compute each product in the calling thread, for the whole process.

    Its variable OPENBLAS_NUM_THREADS would do so only before numpy's first import. Where numpy has another library
    (Accelerate on macOS) nothing is done, and nothing need be.
    """
    package = Path(np.__file__).parent
    for library in [*package.parent.glob("numpy.libs/libscipy_openblas*"), *package.glob(".dylibs/libscipy_openblas*")]:
        try:
            openblas = ctypes.CDLL(str(library))
        except OSError:
            continue
        for name in ("scipy_openblas_set_num_threads64_", "scipy_openblas_set_num_threads"):
            if hasattr(openblas, name):
                getattr(openblas, name)(1)
