"""What a benchmark says: rows of ours against a peer's, with what was asked for."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One number. `least` or `most` bounds the ratio to the peer, or the number itself where there is no peer."""

    bench: str
    what: str
    value: float
    unit: str = ""
    peer: str = ""
    theirs: float | None = None
    least: float | None = None
    most: float | None = None

    @property
    def ratio(self) -> float | None:
        """Ours over theirs."""
        return self.value / self.theirs if self.theirs else None

    @property
    def holds(self) -> bool | None:
        """Whether what was asked for is reached; None where nothing was."""
        judged = self.value if self.theirs is None else self.ratio
        if judged is None or (self.least is None and self.most is None):
            return None
        return (self.least is None or judged >= self.least) and (self.most is None or judged <= self.most)

    def to_json(self) -> dict[str, Any]:
        """Return the row with its ratio and its verdict."""
        return {**asdict(self), "ratio": self.ratio, "holds": self.holds}

    def to_cells(self) -> tuple[str, ...]:
        """Return the row as text."""
        asked = f"≥ {self.least:g}" if self.least is not None else f"≤ {self.most:g}" if self.most is not None else ""
        if asked and self.theirs is not None:
            asked += " x"
        verdict = {None: "", True: "yes", False: "**no**"}[self.holds]
        ratio = f"{self.ratio:.3g} x" if self.ratio is not None else ""
        theirs = "" if self.theirs is None else f"{_number(self.theirs)} {self.unit}".strip()
        ours = f"{_number(self.value)} {self.unit}".strip()
        return self.bench, self.what, ours, self.peer, theirs, ratio, asked, verdict


HEAD = ("benchmark", "what", "Vocero", "peer", "its number", "ratio", "asked", "reached")


def to_markdown(rows: Sequence[Row]) -> str:
    """Return rows as a Markdown table, its columns aligned for the terminal too."""
    cells = [HEAD, *(row.to_cells() for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(HEAD))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |" for line in cells
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
