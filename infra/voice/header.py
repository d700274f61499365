"""What a GGUF file says of itself, read without a library: its architecture and how many weights it has.

The form is that of llama.cpp's gguf.md: pairs of key and value, then a line a tensor, then the weights.
"""

import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from core.errors import InputError

ARCHITECTURE: Final = "general.architecture"
_SIZES: Final = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
_TEXT: Final = 8
_LIST: Final = 9
_LONGEST: Final = 1_000_000  # bytes of a text, entries of a list: more stands in no header


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """A model's architecture, and its parameters."""

    architecture: str
    parameters: int


def read_header(file: Path) -> Header:
    """Read a model's header. InputError when the file is damaged, or ends before its weights do."""
    try:
        with file.open("rb") as content:
            return _read(content, file.stat().st_size)
    except (OSError, ValueError, struct.error, UnicodeDecodeError) as error:
        raise InputError(f"{file} is no whole GGUF model: download or copy it again.") from error


def _read(content: BinaryIO, size: int) -> Header:
    magic, version, tensors, pairs = struct.unpack("<4sIQQ", content.read(24))
    if magic != b"GGUF" or version < 2:
        raise ValueError("no GGUF")
    known = dict(_pairs(content, pairs))
    parameters, last = 0, 0
    for _ in range(tensors):
        _text(content)
        dimensions = struct.unpack("<I", content.read(4))[0]
        if dimensions > 8:
            raise ValueError("no tensor has so many dimensions")
        *shape, _kind, offset = struct.unpack(f"<{dimensions}QIQ", content.read(8 * dimensions + 12))
        parameters += math.prod(shape)
        last = max(last, offset)
    if content.tell() + last >= size:
        raise ValueError("it ends before its weights")
    return Header(architecture=known.get(ARCHITECTURE, ""), parameters=parameters)


def _pairs(content: BinaryIO, several: int) -> Iterator[tuple[str, str]]:
    for _ in range(several):
        key = _text(content)
        kind = struct.unpack("<I", content.read(4))[0]
        value = _text(content) if kind == _TEXT else _skip(content, kind)
        if key == ARCHITECTURE:
            yield key, value


def _skip(content: BinaryIO, kind: int) -> str:
    if kind == _TEXT:
        _text(content)
    elif kind == _LIST:
        inner, entries = struct.unpack("<IQ", content.read(12))
        if entries > _LONGEST:
            raise ValueError("a list without end")
        if inner in _SIZES:
            content.seek(_SIZES[inner] * entries, 1)
        else:
            for _ in range(entries):
                _skip(content, inner)
    elif kind in _SIZES:
        content.seek(_SIZES[kind], 1)
    else:
        raise ValueError("an unknown kind of value")
    return ""


def _text(content: BinaryIO) -> str:
    length = struct.unpack("<Q", content.read(8))[0]
    if length > _LONGEST:
        raise ValueError("a text without end")
    return content.read(length).decode()
