"""Vectors of sentences, kept for a while: many questions are asked of the same passages.

Measured: at five questions a second about one handbook the embedded MiniLM took 1.4 processors, most of it for the same
few hundred sentences again and again.
"""

import hashlib
import time
from array import array
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Final

from core.ports import Embedder

MOST: Final = 8_192  # sentences: about 14 MB at 384 dimensions
UNUSED: Final = 3_600.0  # seconds; then a vector goes, so that nothing of what was forgotten stays for good


class Sentences:
    """Embeds questions, and sentences where their vectors are not known; of a sentence only its digest is kept."""

    def __init__(self, embedder: Embedder, *, most: int = MOST, clock: Callable[[], float] = time.monotonic) -> None:
        self._embedder, self._most, self._clock = embedder, most, clock
        self._known: OrderedDict[bytes, tuple[float, Sequence[float]]] = OrderedDict()  # the longest unused first

    async def embed(self, texts: Sequence[str], *, question: str = "") -> tuple[Sequence[float], list[Sequence[float]]]:
        """Return the question's vector, empty where there is none, and one unit vector a text, in order. EmbedderDown.

        The question's is not kept: the next one is another.
        """
        keys = [self._key(text) for text in texts]
        vectors = {key: self._known[key][1] for key in keys if key in self._known}
        new = {key: text for key, text in zip(keys, texts, strict=True) if key not in vectors}
        asked = [question] if question else []
        found = await self._embedder.embed([*asked, *new.values()]) if asked or new else []
        vectors |= zip(new, (array("f", vector) for vector in found[len(asked) :]), strict=True)
        self._keep(vectors)
        return found[0] if asked else (), [vectors[key] for key in keys]

    def _keep(self, several: dict[bytes, Sequence[float]]) -> None:
        now = self._clock()
        for key, vector in several.items():
            self._known[key] = now, vector
            self._known.move_to_end(key)
        while self._known:
            key, (used, _) = next(iter(self._known.items()))
            if len(self._known) <= self._most and now - used < UNUSED:
                break
            del self._known[key]

    def _key(self, text: str) -> bytes:
        return hashlib.sha256(f"{self._embedder.name}\n{text}".encode("utf-8", "replace")).digest()
