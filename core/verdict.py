"""What follows from a comparison: whether an adapter may go live, and what to do, in plain words. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

KEEPS: Final = 0.95  # of RAG's facts and refusals an adapter must keep
GAINS: Final = 1.2  # times the voice that a prompt with five examples reaches


@dataclass(frozen=True, slots=True)
class Gate:
    """Whether an adapter may go live, and in a sentence each what speaks against it."""

    passed: bool
    reasons: tuple[str, ...]


def gate(arms: Mapping[str, Any], voice: Mapping[str, float] | None, tuned: str) -> Gate:
    """Judge the arm `tuned` against RAG: keeps the facts and the refusals, and gains voice for certain."""
    mine, rag = arms.get(tuned), arms.get("rag")
    if mine is None or rag is None:
        return Gate(False, ("it was not compared with RAG",))
    against = []
    for column, what in (("correct", "facts"), ("refused_when_should", "refusals")):
        its, best = mine.get(column), rag.get(column)
        if its and best and its["mean"] < KEEPS * best["mean"]:
            against.append(f"it keeps {its['mean']:.0%} of the {what} where RAG has {best['mean']:.0%}")
    if voice is None or voice["low"] <= 0:
        against.append("its gain in voice is not certain" if voice else "its voice was not compared")
    return Gate(not against, tuple(against))


def choose(arms: Mapping[str, Any], gates: Mapping[str, Gate]) -> str:
    """Return the arm to speak of: one that may go live, of those the one with the most voice; empty where none is."""

    def worth(arm: str) -> tuple[bool, float]:
        voice = (arms.get(arm) or {}).get("voice")
        return gates[arm].passed, voice["mean"] if voice else 0.0

    return max(gates, key=worth, default="")


def verdict(arms: Mapping[str, Any], found: Sequence[Mapping[str, Any]], gates: Mapping[str, Gate], tuned: str) -> str:
    """Return what to do with the adapter of an arm, in plain words, from the figures alone; and what of the others."""
    rag, five = arms.get("rag"), arms.get("voice")
    said = []
    if rag and rag["correct"]:
        said.append(
            f"RAG has {rag['correct']['mean']:.0%} of the facts and {_share(rag, 'voice')} of its answers in voice."
        )
    mine, judged = arms.get(tuned), gates.get(tuned)
    if mine is None or judged is None:
        said.append("No adapter was compared: train one by vocero voice train to see what it would add.")
        return " ".join(said)
    gain = next((c for c in found if c["a"] == tuned and c["b"] == "rag" and c["column"] == "voice"), None)
    margin = f"{gain['mean']:+.2f} ({gain['low']:+.2f} to {gain['high']:+.2f})" if gain else "an unknown share of"
    kept = f"{_share(mine, 'correct')} of the facts and {_share(mine, 'refused_when_should')} of the refusals"
    if not judged.passed:
        said.append(
            f"Do not promote the adapter ({tuned}): {'; '.join(judged.reasons)}. It adds {margin} voice, {kept}."
        )
    elif five and five["voice"] and mine["voice"]["mean"] < GAINS * five["voice"]["mean"]:
        said.append(
            f"The gate lets the adapter ({tuned}) pass, which adds {margin} voice and has {kept}. But it is not worth "
            f"its training yet: five examples in the prompt reach {_share(five, 'voice')} voice, and it has "
            f"{_share(mine, 'voice')}, less than {GAINS} times as much. {_instead(five, rag)}"
        )
    else:
        said.append(f"The adapter ({tuned}) adds {margin} voice and has {kept}: it may go live.")
    general, before = mine.get("general"), arms["rag"].get("general")
    if general and before and general["mean"] < before["mean"]:
        said.append(
            f"Outside the domain it solves {general['mean']:.0%} of plain tasks, the base {before['mean']:.0%}."
        )
    for other, its in gates.items():
        if other != tuned:
            share = _share(arms.get(other) or {}, "voice")
            said.append(
                f"The other one ({other}) may go live, too, with {share} of its answers in voice."
                if its.passed
                else f"Do not promote the other one ({other}): {'; '.join(its.reasons)}."
            )
    return " ".join(said)


def _instead(five: Mapping[str, Any], rag: Mapping[str, Any] | None) -> str:
    has, best = five.get("correct"), rag.get("correct") if rag else None
    if has and best and has["mean"] < KEEPS * best["mean"]:
        return (
            f"These have {has['mean']:.0%} of the facts, so they are no way to answer: approve more examples and train "
            "again."
        )
    return "Put examples into the prompt first."


def _share(arm: Mapping[str, Any], column: str) -> str:
    return f"{arm[column]['mean']:.0%}" if arm.get(column) else "none known"
