"""What two judges said, as rows for page and terminal. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

HEADS: Final = ("judge", "arm", "better than RAG", "the same", "worse", "unread", "on the whole")
METHOD: Final = (
    "Each pair was shown twice, in both orders; where only the place decided, neither is better. The gate and the "
    "verdict do not ask the judges."
)


def cells(told: Mapping[str, Any]) -> Iterator[list[str]]:
    """Yield a row for each judge and arm; on the whole: from -1, always worse, to 1, always better."""
    for judge in told["judges"]:
        for arm, found in judge["arms"].items():
            mean = found["preferred"]
            whole = f"{mean['mean']:+.2f} ({mean['low']:+.2f} to {mean['high']:+.2f})" if mean else "-"
            counts = (str(found[key]) for key in ("better", "same", "worse", "unread"))
            yield [judge["name"], arm, *counts, whole]


def to_lines(report: Mapping[str, Any]) -> list[str]:
    """Return the lines for a terminal; none where no judge was asked."""
    told = report.get("judges")
    if not told:
        return []
    rows = [list(HEADS), *cells(told)]
    widths = [max(len(row[n]) for row in rows) for n in range(len(HEADS))]
    lines = ["  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip() for row in rows]
    return [*lines, told["agreement"]["says"]]
