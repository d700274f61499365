"""Measure the gate: how well it tells questions that the documents answer from those they do not."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from core.audience import EVERYONE, Audience, to_audience
from core.bar import Bar
from core.errors import UnavailableError
from core.followup import Asked, understand
from core.ports import Embedder, Knowledge
from core.reading import read
from core.vectors import Sentences
from infra.knowledge.evaluation import to_asked
from infra.knowledge.judged import Query
from infra.knowledge.partial import Partial
from infra.postgres.examples import Kept

KEPT: Final = 0.9  # of the answerable questions are answered where the refusals are compared
RESAMPLES: Final = 1_000
TAIL: Final = 0.025  # outside the interval, on each side
METRICS: Final = ("auroc", "refused_at_90_answered", "answered", "refused")


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighed:
    """A question and the figure that the gate saw; `cosine` is that of the closest passage, for comparison."""

    id: str
    answerable: bool
    strength: float
    enough: bool
    cosine: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A question, whether the documents answer it, and who asks."""

    id: str
    asked: Asked
    answerable: bool
    audience: Audience = EVERYONE
    without: frozenset[str] = frozenset()  # documents that are not looked at


def to_case(query: Query, meant: Asked | None = None) -> Case:
    """Return a judged question as a case; as it was `meant`, or by the bot's own rule."""
    return Case(id=query.id, asked=meant or to_asked(query), answerable=bool(query.answerable))


def to_cases(examples: Iterable[Kept]) -> list[Case]:
    """Return approved answers as cases: as they were asked, and once more without the documents that answer them.

    Each by those who could read the answer; one that may not be learned from, or names no document, is left out.
    """
    cases: list[Case] = []
    for kept in examples:
        example, audience = kept.example, to_audience(kept.audience)
        documents = frozenset(passage.document for passage in example.passages)
        if kept.wanting or not documents:
            continue
        asked = understand(example.question, ())
        cases.append(Case(id=example.id, asked=asked, answerable=True, audience=audience))
        missing = f"{example.id} without its documents"
        cases.append(Case(id=missing, asked=asked, answerable=False, audience=audience, without=documents))
    return cases


async def weigh(
    knowledge: Knowledge, embedder: Embedder, cases: Sequence[Case], *, workspace: str, bar: Bar
) -> AsyncIterator[Weighed]:
    """Yield what the gate makes of each question. UnavailableError when it had to do without embedder."""
    vectors = Sentences(embedder)
    for case in cases:
        known = _without(case.without, knowledge) if case.without else knowledge
        reading = await read(case.asked, known, vectors, workspace=workspace, audience=case.audience, bar=bar)
        if reading.lacking:
            raise UnavailableError(f"This would be no measure of the gate: {reading.lacking}")
        yield Weighed(
            id=case.id,
            answerable=case.answerable,
            strength=reading.verdict.strength,
            enough=reading.verdict.enough,
            cosine=max((p.cosine for p in reading.passages if p.cosine is not None), default=0.0),
        )


def _without(documents: frozenset[str], knowledge: Knowledge) -> Partial:
    return Partial(knowledge, lambda _, document: document not in documents)


def measures(weighed: Sequence[Weighed]) -> dict[str, float]:
    """Return the four metrics, from 0 to 1: what is answered and refused as shipped, how well the two are told apart.

    `refused_at_90_answered`: of the unanswerable, with the bar where 90 % of the answerable pass; `auroc`: the chance
    that an answerable question is stronger than an unanswerable one.
    """
    truth = np.array([one.answerable for one in weighed])
    strength = np.array([one.strength for one in weighed])
    enough = np.array([one.enough for one in weighed])
    right, wrong = strength[truth], strength[~truth]
    return {
        "auroc": auroc(right, wrong),
        "refused_at_90_answered": refused_at(right, wrong),
        "answered": float(enough[truth].mean()),
        "refused": float((~enough[~truth]).mean()),
    }


def auroc(right: "np.ndarray[Any, Any]", wrong: "np.ndarray[Any, Any]") -> float:
    """Return the area under the ROC curve, ties counted half (Hanley and McNeil 1982, Radiology 143(1))."""
    order = np.sort(wrong)
    below, up_to = np.searchsorted(order, right, "left"), np.searchsorted(order, right, "right")
    return float((below + up_to).sum() / 2 / (len(right) * len(wrong)))


def refused_at(right: "np.ndarray[Any, Any]", wrong: "np.ndarray[Any, Any]", kept: float = KEPT) -> float:
    """Return the share of `wrong` that falls under the bar which the share `kept` of `right` passes."""
    return float((wrong < np.quantile(right, 1 - kept)).mean())


def intervals(weighed: Sequence[Weighed], seed: int = 0) -> dict[str, list[float]]:
    """Return each metric's percentile bootstrap interval, resampled within each kind."""
    found = [measures(chosen) for chosen in _resampled([weighed], seed)]
    return {name: _interval([one[name] for one in found]) for name in METRICS}


def differences(now: Sequence[Weighed], before: Mapping[str, Weighed], seed: int = 0) -> dict[str, dict[str, Any]]:
    """Return how each metric changed on the questions both have, with paired intervals: a resample takes both alike."""
    pairs = [(one, before[one.id]) for one in now if one.id in before]
    mine, theirs = [one for one, _ in pairs], [other for _, other in pairs]
    if len({one.answerable for one in mine}) < 2:
        return {}
    point, other = measures(mine), measures(theirs)
    drawn = list(_resampled([mine, theirs], seed))
    found = [
        {name: a - b for (name, a), b in zip(measures(one).items(), measures(two).values(), strict=True)}
        for one, two in zip(drawn[::2], drawn[1::2], strict=True)
    ]
    return {
        name: {"change": round(point[name] - other[name], 4), "interval": _interval([one[name] for one in found])}
        for name in METRICS
    }


def _resampled(several: Sequence[Sequence[Weighed]], seed: int) -> Any:
    """Yield resamples of parallel lists, the same places of each in turn, both kinds as many as there are."""
    chance = np.random.default_rng(seed)
    kinds = [[n for n, one in enumerate(several[0]) if one.answerable is kind] for kind in (True, False)]
    for _ in range(RESAMPLES):
        places = [int(n) for kind in kinds for n in chance.choice(kind, len(kind))]
        for one in several:
            yield [one[n] for n in places]


def _interval(values: Sequence[float]) -> list[float]:
    return [round(float(bound), 4) for bound in np.quantile(values, [TAIL, 1 - TAIL])]
