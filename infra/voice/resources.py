"""What each way of answering takes, from what was measured and its user's prices: tokens, memory, training, money."""

from collections.abc import Mapping
from typing import Any

from core.comparison import Rows
from core.pricing import Prices
from infra.voice.adapter import Adapter


def used(rows: Mapping[str, Rows | None], trained: Mapping[str, Adapter], prices: Prices) -> dict[str, Any]:
    """Return for each arm the mean tokens in and out of an answer, and what its training took, once."""
    return {
        arm: {
            "tokens_in": _mean(of, "tokens_in"),
            "tokens_out": _mean(of, "tokens"),
            "training": _training(trained[arm], prices) if arm in trained else None,
        }
        for arm, of in rows.items()
        if of is not None
    }


def _mean(rows: Rows, column: str) -> float | None:
    """The mean over all answers; None where a server did not tell of each, since the others say nothing of it."""
    told = [row.get(column) for row in rows.values()]
    known = [value for value in told if value is not None]
    return round(sum(known) / len(known), 1) if known and len(known) == len(told) else None


def _training(adapter: Adapter, prices: Prices) -> dict[str, Any]:
    # of a training that was stopped and gone on with only the last part's time is known: none is told
    seconds = None if adapter.manifest.get("resumed_at") else adapter.manifest.get("seconds")
    peak = adapter.manifest.get("peak_bytes")
    cost = prices.training(float(seconds)) if isinstance(seconds, int | float) else None
    told = {"seconds": seconds, "peak_bytes": peak, "adapter_bytes": adapter.manifest["file"].get("bytes")}
    return told if cost is None else {**told, "cost": round(cost, 4)}
