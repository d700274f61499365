"""A vector as the database takes it, or the embedder's fault."""

from collections.abc import Sequence

import numpy as np
from pgvector import HalfVector

from core.errors import EmbedderDown


def to_half(values: Sequence[float] | None, dimensions: int) -> HalfVector:
    """Return a vector in half precision. EmbedderDown for one of another length, with NaN, infinite or zero."""
    if values is None or len(values) != dimensions:
        raise EmbedderDown(f"The embedder returned no vector of length {dimensions}: check its model.")
    vector = np.asarray(values, dtype=np.float64)
    length = float(vector @ vector)  # NaN fails both comparisons
    if not 1e-12 < length < 1e6:
        raise EmbedderDown("The embedder returned a vector that holds no direction: check its model.")
    return HalfVector(vector)
