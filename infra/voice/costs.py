"""Adaptability, cost, resources and complexity of each way of answering, as one table for page and terminal. Pure."""

from collections.abc import Mapping
from typing import Any, Final

from core.comparison import COST
from core.pricing import ANSWERS

# adaptability, what it needs, complexity: judgements, the same for everyone; the figures beside them are measured
KINDS: Final = {
    "base": ("none", "a model", "lowest"),
    "voice": ("edit the prompt, at once", "five examples", "low"),
    "rag": ("add a document, at once", "documents and a search", "middle"),
    "finetuned": ("train again", "examples, minutes to hours of training", "middle"),
    "hybrid": ("documents at once, voice by training", "documents and examples", "high"),
    "raft": ("documents at once, voice by training", "documents and examples with passages", "highest"),
    "oracle": ("a bound, no way of answering", "someone who knows the document", "-"),
    "extractive": ("add a document, at once", "documents and a search, no model", "lowest"),
}
UNPRICED: Final = "What that costs: give your own prices with --price-hour, --price-in and --price-out."


def heads(report: Mapping[str, Any]) -> list[str]:
    """Return the columns' names; money only where there are prices."""
    measured = ["tokens in", "tokens out", "seconds", "training, once"]
    return ["a change takes", "needs", "complexity", *measured, *([f"cost of {ANSWERS:,}"] * priced(report))]


def cells(arm: str, columns: Mapping[str, Any], report: Mapping[str, Any]) -> list[str]:
    """Return one arm's row."""
    took: Mapping[str, Any] = report["resources"].get(arm, {})
    row = [*KINDS[arm], _plain(took.get("tokens_in")), _plain(took.get("tokens_out")), _seconds(columns)]
    row.append(_training(took.get("training")))
    if priced(report):
        found = columns.get(COST)
        row.append(f"{money(found['mean'])} ({money(found['low'])} to {money(found['high'])})" if found else "-")
    return row


def priced(report: Mapping[str, Any]) -> bool:
    """Whether its user gave prices."""
    return bool(report.get("prices"))


def told(report: Mapping[str, Any]) -> str:
    """Return the sentence under the table: by which prices, or how to give them."""
    prices = report.get("prices")
    if not prices:
        return UNPRICED
    names = (("hour", "an hour of the server"), ("tokens_in", "a million tokens in"), ("tokens_out", "and out"))
    given = ", ".join(f"{money(prices[key])} {name}" for key, name in names if prices[key])
    by_hour = "; by the hour for answers one at a time, the most they can cost" if prices["hour"] else ""
    return f"At your prices: {given}{by_hour}."


def money(amount: float) -> str:
    """Return an amount with as many digits as say something."""
    return f"{amount:,.2f}" if amount >= 1 else f"{amount:.4f}".rstrip("0").rstrip(".") or "0"


def _plain(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f}"


def _seconds(columns: Mapping[str, Any]) -> str:
    return f"{columns['seconds']['mean']:.1f}" if columns.get("seconds") else "-"


def _training(took: Mapping[str, Any] | None) -> str:
    """Time, memory and size, as far as the manifest tells them."""
    if not took:
        return "-"
    said = []
    if (seconds := took.get("seconds")) is not None:
        said.append(f"{seconds / 60:.0f} min" if seconds >= 60 else f"{seconds:.0f} s")
    said += [f"{took['peak_bytes'] / 1e9:.1f} GB"] if took.get("peak_bytes") else []
    said += [f"{took['adapter_bytes'] / 1e6:.1f} MB adapter"] if took.get("adapter_bytes") else []
    said += [f"costs {money(took['cost'])}"] if took.get("cost") is not None else []
    return ", ".join(said) or "-"
