"""Two models judge pairs of answers: what their words mean, how far they agree, and whether that is enough. Pure.

Beside the figures that can be counted, never instead of them: nothing here enters the gate or the verdict.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

from core.comparison import figure

JUDGES: Final = 2  # one model's taste is no measurement: two say how far they agree
AGAINST: Final = "rag"  # the arm that every other is compared with
LEFT_OUT: Final = ("oracle",)  # a bound, and no way of answering
KINDS: Final = 3  # of verdicts: better, worse, the same
AGREE: Final = 0.4  # agreement beyond chance from which two judges measure one thing ("moderate", Landis & Koch 1977)
READ: Final = 0.8  # of its replies must be verdicts, or a judge did not do what it was asked
MARGIN: Final = 0.5  # of its verdicts that only the order decided: more, and it judges places
_WORD: Final = re.compile(r"\W*(?:answer\s+)?(a|b|same)\W*", re.IGNORECASE)

Opinions = Mapping[str, Mapping[str, int | None]]  # an arm -> a question's id -> 1 better, 0 the same, -1 worse


def to_choice(text: str) -> int | None:
    """Read a reply: 1 for A, -1 for B, 0 for the same; None for anything else, however much it says."""
    match = _WORD.fullmatch(text.strip())
    return {"a": 1, "b": -1, "same": 0}[match[1].casefold()] if match else None


def settled(shown_first: int | None, shown_second: int | None) -> tuple[int | None, bool]:
    """Return what both orders say of one answer, and whether only its place decided: then neither is better."""
    if shown_first is None or shown_second is None:
        return None, False
    again = -shown_second
    return (shown_first, False) if shown_first == again else (0, shown_first * again < 0)


def ac1(pairs: Sequence[tuple[int, int]], kinds: int = KINDS) -> float | None:
    """Return Gwet's AC1 (2008) of two judges' verdicts, None of nothing.

    Not Cohen's kappa: where one verdict is much the commonest, that calls 98 % of equal verdicts no agreement.
    """
    if not pairs:
        return None
    same = sum(a == b for a, b in pairs) / len(pairs)
    counted = Counter(verdict for pair in pairs for verdict in pair)
    shares = [n / (2 * len(pairs)) for n in counted.values()]
    chance = sum(share * (1 - share) for share in shares) / (kinds - 1)
    return (same - chance) / (1 - chance)


def summary(
    name: str, said: Opinions, alike: Mapping[str, int], *, flipped: int, trouble: str, seed: int
) -> dict[str, Any]:
    """Return one judge's numbers an arm: better, same, worse than RAG, and the mean of it with its interval.

    `alike` are the answers an arm that are RAG's own, word for word: the same, and nobody was asked about them.
    """
    arms = {arm: _numbers(list(of.values()), alike.get(arm, 0), seed) for arm, of in said.items()}
    asked = sum(len(of) for of in said.values())
    read = sum(opinion is not None for of in said.values() for opinion in of.values())
    return {
        "name": name,
        "arms": arms,
        "asked": asked,
        "read": read,
        "decided_by_order": flipped,
        "trouble": trouble or _unread(name, read, asked) or _placed(name, flipped, read),
    }


def _numbers(opinions: Sequence[int | None], alike: int, seed: int) -> dict[str, Any]:
    found = [float(opinion) for opinion in opinions if opinion is not None]
    counts, mean = Counter(found), figure([*found, *[0.0] * alike], seed)
    return {
        "better": counts[1.0],
        "same": counts[0.0] + alike,
        "worse": counts[-1.0],
        "unread": len(opinions) - len(found),
        "preferred": {k: round(v, 4) for k, v in asdict(mean).items()} if mean else None,
    }


def _unread(name: str, read: int, asked: int) -> str:
    if read >= READ * asked:
        return ""
    return f"{name} gave a verdict on {read} of {asked} pairs only: take a model that can answer with one word."


def _placed(name: str, flipped: int, read: int) -> str:
    if flipped <= MARGIN * read:
        return ""
    return f"{name} changed its mind with the order of the answers in {flipped} of {read} pairs: take a larger model."


def agreement(one: Opinions, other: Opinions, troubles: Sequence[str]) -> dict[str, Any]:
    """Return how far two judges agree on the pairs that both read, and in plain words whether they can be used."""
    pairs = [
        (mine, its)
        for arm in sorted(one.keys() & other.keys())
        for name in sorted(one[arm].keys() & other[arm].keys())
        if (mine := one[arm][name]) is not None and (its := other[arm][name]) is not None
    ]
    found = ac1(pairs)
    usable = found is not None and found >= AGREE and not any(troubles)
    return {
        "n": len(pairs),
        "same": round(sum(a == b for a, b in pairs) / len(pairs), 4) if pairs else None,
        "ac1": None if found is None else round(found, 4),
        "usable": usable,
        "says": _told(found, pairs, [t for t in troubles if t]),
    }


def _told(found: float | None, pairs: Sequence[tuple[int, int]], troubles: Sequence[str]) -> str:
    if troubles:
        return f"The judges cannot be used: {' '.join(troubles)}"
    if found is None:
        return "The judges had nothing to judge: every answer was the same as RAG's."
    same = sum(a == b for a, b in pairs)
    shared = f"they gave the same verdict on {same} of {len(pairs)} pairs, agreement beyond chance {found:.2f}"
    if found < AGREE:
        return f"The judges disagree too much to be used ({shared}, and {AGREE:.2f} is the least): count on the table."
    return f"The judges agree well enough to be read beside the table ({shared})."
