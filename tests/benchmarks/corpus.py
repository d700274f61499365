"""A corpus made by a seed: unit vectors in clusters, passages that read like English to a full-text index."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

DIMENSIONS = 384
CLUSTERS = 1_000  # for 100,000 chunks; in proportion for fewer
WORDS = 140  # of a passage: about 200 tokens
VOCABULARY = 30_000
TOPIC = 40  # words that a cluster has to itself, more or less
SPREAD = 0.8  # length of what a vector differs from its cluster's centre
NEAR = 0.5  # length of what a question differs from the passage it asks for

FUNCTION_WORDS = (
    "the of and to a in is it that was for on are as with they at be this from have or by not but what all were when "
    "there can an your which if do will about how up out them then some so these other into has her than its who now "
    "over did down only very after just where most"
).split()

Vectors = NDArray[np.float32]
_SYLLABLES = [a + b for a in "b d f g k l m n p r s t v".split() for b in "a e i o u".split()]


@dataclass(frozen=True)
class Corpus:
    """So many chunks; the same seed gives the same."""

    chunks: int
    seed: int = 7

    @cached_property
    def vectors(self) -> Vectors:
        """One unit vector a chunk."""
        random = np.random.default_rng(self.seed)
        centres = to_unit(random.normal(size=(self._clusters, DIMENSIONS)))
        return to_unit(centres[self._cluster] + noise(random, self.chunks, SPREAD))

    @cached_property
    def passages(self) -> list[str]:
        """One text a chunk: nearly half function words, the rest drawn as Zipf has it and from the cluster's topic."""
        random = np.random.default_rng(self.seed + 1)
        shape = (self.chunks, WORDS)
        common = np.minimum(random.zipf(1.3, size=shape), VOCABULARY) - 1
        topical = (self._cluster[:, None] * TOPIC + random.integers(0, TOPIC, size=shape)) % VOCABULARY
        drawn = np.where(random.random(shape) < 0.4, topical, common)
        little = random.integers(0, len(FUNCTION_WORDS), size=shape)
        is_little = random.random(shape) < 0.45
        words = self._vocabulary
        return [
            " ".join(FUNCTION_WORDS[b] if small else words[a] for a, b, small in zip(*row, strict=True))
            for row in zip(drawn.tolist(), little.tolist(), is_little.tolist(), strict=True)
        ]

    def questions(self, count: int) -> tuple[Vectors, list[str]]:
        """Return vectors near those of chosen chunks, and questions in ten of their words, little words among them."""
        random = np.random.default_rng(self.seed + 2)
        chosen = random.choice(self.chunks, count, replace=count > self.chunks)
        asked = to_unit(self.vectors[chosen] + noise(random, count, NEAR))
        texts = [self.passages[n].split() for n in chosen]
        return asked, [" ".join(random.choice(words, 10, replace=False)) + "?" for words in texts]

    @property
    def _clusters(self) -> int:
        return max(2, round(CLUSTERS * self.chunks / 100_000))

    @property
    def _cluster(self) -> NDArray[np.int64]:
        return np.arange(self.chunks) % self._clusters

    @cached_property
    def _vocabulary(self) -> list[str]:
        """Pronounceable words of two to four syllables, the common ones short."""
        random = np.random.default_rng(self.seed + 3)
        found: dict[str, None] = {}
        for length, until in ((2, 1_000), (3, 20_000), (4, VOCABULARY)):
            while len(found) < until:
                drawn = random.choice(_SYLLABLES, (until, length)).tolist()
                found.update(dict.fromkeys("".join(syllables) for syllables in drawn))
            found = dict.fromkeys(list(found)[:until])
        return list(found)


def noise(random: np.random.Generator, count: int, length: float) -> Vectors:
    """Return vectors of about this length in random directions."""
    return (random.normal(size=(count, DIMENSIONS)) * (length / DIMENSIONS**0.5)).astype(np.float32)


def to_unit(vectors: NDArray[np.floating]) -> Vectors:
    """Return the vectors at length one."""
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
