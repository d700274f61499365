"""What `vocero eval` prints for people: tables of measures, their intervals, and what changed since an earlier run."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from adapters.terminal import harmless

REASONS: Final = 3  # shown of documents that could not be learned; the rest is counted
MODES: Final = ("hybrid", "dense", "lexical")
GATE: Final = "gate"

Measured = Mapping[str, Any]


def of_retrieval(measured: Measured) -> list[str]:
    """Return the metrics of each mode as a table."""
    modes = [mode for mode in MODES if mode in measured]
    names = list(measured[modes[0]])
    lines = [" " * 8 + "".join(f"{name:>11}" for name in names)]
    lines += [f"{mode:<8}" + "".join(f"{measured[mode][name]:>11.3f}" for name in names) for mode in modes]
    return [
        *lines,
        f"{measured['n']} questions, {measured['chunks']} chunks, {measured['seconds']} s",
        *_changes(measured),
    ]


def of_abstention(measured: Measured) -> list[str]:
    """Return what is answered and refused, in words, with intervals."""
    said = {
        "answered": "answerable questions answered",
        "refused": "unanswerable questions refused",
        "refused_at_90_answered": "refused, were 90 % answered",
        "auroc": "told apart (AUROC)",
    }
    lines = [_line(what, measured[name], measured["intervals"][name]) for name, what in said.items()]
    lines += [
        f"false answers: {1 - measured['refused']:.1%} of the unanswerable; "
        f"false refusals: {1 - measured['answered']:.1%} of the answerable",
        f"an answer needs a strength of {measured['bar']['least']:.3f}",
        f"{measured['n']} questions, {measured['seconds']} s",
    ]
    if fitted := measured.get("fitted"):
        lines.append(
            f"fitted on these questions it would need {fitted['least']:.3f}: {fitted['answered']:.1%} answered,"
            f" {fitted['refused']:.1%} refused (--apply sets it)"
        )
    return [*lines, *_changes(measured)]


def of_answers(measured: Measured) -> list[str]:
    """Return each arm's metrics with their intervals."""
    lines = []
    for arm, rows in measured["rows"].items():
        lines.append(f"{arm} ({len(rows)} questions)")
        lines += [
            _line(f"  {name.replace('_', ' ')}", value, measured["intervals"][arm][name])
            for name, value in measured[arm].items()
        ]
    return [*lines, f"{measured['n']} questions, {measured['seconds']} s", *_changes(measured)]


def compared(measured: Measured, before: Measured) -> dict[str, Any]:
    """Return what changed on the questions both runs have, with paired bootstrap intervals, a group of rows each."""
    return {group: _compared(group, rows, before["rows"][group]) for group, rows in _both(measured, before)}


def _both(measured: Measured, before: Measured) -> list[tuple[str, Any]]:
    return [(group, rows) for group, rows in measured["rows"].items() if group in before["rows"]]


def _compared(group: str, now: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
    from infra.knowledge.abstaining import Weighed, differences
    from infra.knowledge.answering import changes

    if group == GATE:
        earlier = {name: Weighed(**row) for name, row in before.items()}
        return differences([Weighed(**row) for row in now.values()], earlier)
    return changes(now, before, list(next(iter(now.values()), {})))


def _changes(measured: Measured) -> list[str]:
    """Return what changed since the earlier run; a change whose interval leaves out 0 is marked."""
    if "against" not in measured:
        return []
    lines = ["since the earlier run:"]
    for group, found in measured["against"].items():
        for name, one in found.items():
            low, high = one["interval"]
            certain = " *" if low > 0 or high < 0 else ""
            lines.append(
                f"  {group} {name.replace('_', ' ')}: {one['change']:+.3f} ({low:+.3f} to {high:+.3f}){certain}"
            )
    return lines if len(lines) > 1 else ["nothing in the earlier run can be compared with this one"]


def _line(what: str, value: float | None, interval: Sequence[float] | None) -> str:
    if value is None or interval is None:
        return f"{what:<34}     -"
    return f"{what:<34} {value:.3f}  ({interval[0]:.3f} to {interval[1]:.3f})"


def to_warnings(reasons: list[str]) -> list[str]:
    """Return what to say of documents that could not be learned and so can never be found."""
    shown = [harmless(f"vocero: not learned: {reason}") for reason in reasons[:REASONS]]
    rest = len(reasons) - len(shown)
    return [*shown, f"vocero: not learned: {rest} more"] if rest else shown
