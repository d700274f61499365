"""The comparison of ways of answering: what each column means, how sure a difference is, and what follows. Pure.

Everything is deterministic. Intervals are percentile bootstraps (Efron 1979), paired by question: a resample takes the
same questions for both arms, so that a hard question counts for both.
"""

import math
import random
import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Final

from core.citations import marked, unmarked
from core.examples import Example, holds
from core.grounding import unknown, urls
from core.messages import Answer, Outcome, Passage
from core.pricing import Prices
from core.words import content, numbers, sentences, words

ARMS: Final = ("base", "voice", "rag", "finetuned", "hybrid", "raft", "oracle")
COLUMNS: Final = (
    *("correct", "faithful", "cited", "refused_when_should", "answered_when_should", "voice", "general"),
    *("tokens", "seconds"),
)
COST: Final = "cost"  # of a thousand answers; a column only where its user gave prices
UNPRICED: Final = Prices()
RESAMPLES: Final = 2_000
CONFIDENCE: Final = 0.95
ENOUGH_WORDS: Final = 0.6  # of a reference answer's own content words, where an example lists no facts
PLANNED: Final = (
    ("rag", "base", "correct", "retrieval brings the facts"),
    ("finetuned", "base", "correct", "training alone brings no new facts"),
    ("finetuned", "base", "voice", "training brings the voice"),
    ("hybrid", "rag", "voice", "the adapter adds voice to retrieval"),
    ("raft", "rag", "voice", "the adapter trained on passages adds voice to retrieval"),
    ("raft", "hybrid", "correct", "training on passages reads them better"),
    ("raft", "rag", "correct", "the adapter keeps the facts"),
    ("raft", "rag", "refused_when_should", "the adapter keeps the refusals"),
)
_DECLINES: Final = re.compile(
    r"(?i)\b(?:does not say|do not know|don[’']t know|will not guess|cannot (?:say|answer)|no information|beyond our"
    r"|not (?:sure|mentioned|provided|specified)|no answer|no (?:lo )?(?:s[eé]|dice)|no voy a adivinar)\b"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What an arm said to one question, and what it took."""

    answer: Answer
    tokens: int
    seconds: float
    tokens_in: int | None = None  # what the model read; None where its server does not tell


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A mean with its interval."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Style:
    """A naive Bayes classifier of manner: words and pairs of words that carry no topic of the question's passages."""

    voiced: Mapping[str, float]
    plain: Mapping[str, float]
    unseen: tuple[float, float] = field(default=(0.0, 0.0))

    def recognises(self, text: str, topic: frozenset[str] = frozenset()) -> bool:
        """Whether a text is in the voice rather than in the base's manner."""
        # a mark that neither side knows would speak for the side that has seen less
        marks = [m for m in features(text, topic) if m in self.voiced or m in self.plain]
        left = sum(self.voiced.get(m, self.unseen[0]) for m in marks)
        return left > sum(self.plain.get(m, self.unseen[1]) for m in marks)


def features(text: str, topic: frozenset[str] = frozenset()) -> list[str]:
    """Return a text's marks of manner: words in order, and pairs, what is of the topic left out; its two ends count."""
    said = [w.casefold() for w in words(unmarked(text))]
    kept = [w for w in said if not any(c.isdigit() for c in w) and not set(content(w)) & topic]
    if not kept:
        return []
    pairs = [f"{a} {b}" for a, b in pairwise(said) if a in kept and b in kept]
    ends = [f"^{' '.join(said[:2])}", f"{' '.join(said[-2:])}$"]
    return sorted({*kept, *pairs, *ends})


def learn_style(voiced: Sequence[tuple[str, frozenset[str]]], plain: Sequence[tuple[str, frozenset[str]]]) -> Style:
    """Learn from texts with their topics' stems; a mark counts once a text."""
    sides = []
    seen = [Counter(m for text, topic in side for m in features(text, topic)) for side in (voiced, plain)]
    vocabulary = len(set(seen[0]) | set(seen[1]))
    for counts in seen:
        total = sum(counts.values()) + vocabulary + 1
        sides.append(({m: math.log((n + 1) / total) for m, n in counts.items()}, math.log(1 / total)))
    return Style(sides[0][0], sides[1][0], (sides[0][1], sides[1][1]))


def topic_of(example: Example, passages: Sequence[Passage]) -> frozenset[str]:
    """Return the stems of what a question is about."""
    texts = [example.question, *(f"{p.title} {p.text}" for p in passages)]
    return frozenset(stem for text in texts for stem in content(text))


def declines(answer: Answer) -> bool:
    """Whether an answer says that it does not know, in the bot's words or the voice's."""
    if answer.outcome in (Outcome.ABSTAINED, Outcome.REFUSED):
        return True
    return unknown(answer.text) or bool(_DECLINES.search(answer.text))


def correct(example: Example, answer: Answer) -> float:
    """Return the share of the facts that an answer holds; by the reference's words where no facts are listed."""
    text = unmarked(answer.text)
    if declines(answer):
        return 0.0
    if example.facts:
        return sum(holds(text, spellings) for spellings in example.facts) / len(example.facts)
    wanted = set(content(unmarked(example.answer))) - set(content(example.question))
    found = len(wanted & set(content(text))) / len(wanted) if wanted else 0.0
    return float(found >= ENOUGH_WORDS)


def faithful(example: Example, answer: Answer, passages: Sequence[Passage], stems: frozenset[str]) -> float | None:
    """Return the share of an answer's own content words that the passages hold; 0 with a number or link of its own.

    None for an answer that claims nothing: one that declines.
    """
    if declines(answer):
        return None
    source = "\n".join(f"{p.title}\n{' '.join(p.path)}\n{p.text}\n{p.url}" for p in passages)
    text = unmarked(answer.text)
    if not numbers(text) <= numbers(source) | numbers(example.question):
        return 0.0
    if not all(url in source for url in urls(text)):
        return 0.0
    known = set(content(source)) | set(content(example.question)) | stems
    own = content(text)
    return sum(w in known for w in own) / len(own) if own else 0.0


def cited(answer: Answer, documents: Sequence[str]) -> float:
    """Whether an answer cites a document that holds the answer."""
    return float(any(c.document in documents for c in answer.citations))


def score(
    example: Example,
    said: Said,
    passages: Sequence[Passage],
    style: Style,
    stems: frozenset[str],
    document: str,
    prices: Prices = UNPRICED,
) -> dict[str, float | None]:
    """Return one answer's row of the table; None where a column does not apply."""
    answerable = example.answerable is not False
    silent = declines(said.answer)
    return {
        "correct": correct(example, said.answer) if answerable else None,
        "faithful": faithful(example, said.answer, passages, stems),
        "cited": cited(said.answer, [document]) if answerable and document else None,
        "refused_when_should": None if answerable else float(silent),
        "answered_when_should": float(not silent) if answerable else None,
        "voice": float(style.recognises(said.answer.text, topic_of(example, passages))),
        "tokens": float(said.tokens),
        "tokens_in": None if said.tokens_in is None else float(said.tokens_in),
        "seconds": said.seconds,
        COST: prices.answers(seconds=said.seconds, tokens_in=said.tokens_in, tokens_out=said.tokens),
    }


def cited_precision(answer: Answer, documents: Collection[str]) -> float | None:
    """Return the share of an answer's citations that name a document known to answer; None of an answer without any."""
    named = [citation.document in documents for citation in answer.citations]
    return sum(named) / len(named) if named else None


def cited_recall(answer: Answer, documents: Collection[str]) -> float | None:
    """Return the share of an answer's sentences that cite a document known to answer; None of one that declines."""
    if declines(answer):
        return None
    right = {citation.n for citation in answer.citations if citation.document in documents}
    said = [s for line in answer.text.split("\n") for s in sentences(line) if content(unmarked(s))]
    return sum(bool(right & set(marked(sentence))) for sentence in said) / len(said) if said else None


Rows = Mapping[str, Mapping[str, float | None]]  # of one arm: a question's id -> its row


def figure(values: Sequence[float], seed: int) -> Figure | None:
    """Return a mean with its bootstrap interval; None of nothing."""
    if not values:
        return None
    means = _resampled(values, seed)
    return Figure(mean=_mean(values), low=means[0], high=means[1])


def contrast(one: Rows, other: Rows, column: str, seed: int) -> Figure | None:
    """Return the mean difference of two arms over the questions that both have, paired."""
    both = [
        a - b
        for name in sorted(one.keys() & other.keys())
        if (a := one[name].get(column)) is not None and (b := other[name].get(column)) is not None
    ]
    return figure(both, seed)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _resampled(values: Sequence[float], seed: int) -> tuple[float, float]:
    chance = random.Random(seed)  # noqa: S311 - a measurement that can be repeated
    means = sorted(_mean(chance.choices(values, k=len(values))) for _ in range(RESAMPLES))
    tail = (1 - CONFIDENCE) / 2
    return means[round(tail * (RESAMPLES - 1))], means[round((1 - tail) * (RESAMPLES - 1))]


def table(
    arms: Mapping[str, Rows | None], general: Mapping[str, Sequence[float]], seed: int, *, priced: bool = False
) -> dict[str, Any]:
    """Return the report's `arms`: a figure a column, None for an arm that could not be asked; cost where prices are."""
    report: dict[str, Any] = {}
    for arm, rows in arms.items():
        if rows is None:
            report[arm] = None
            continue
        columns: dict[str, Any] = {}
        for column in (*COLUMNS, COST) if priced else COLUMNS:
            values = (
                list(general.get(arm, ()))
                if column == "general"
                else [v for name in sorted(rows) if (v := rows[name].get(column)) is not None]
            )
            found = figure(values, seed)
            columns[column] = _json(found) if found else None
        report[arm] = columns
    return report


def contrasts(arms: Mapping[str, Rows | None], seed: int) -> list[dict[str, Any]]:
    """Return the planned contrasts as found; those of an arm that was not asked are left out."""
    found = []
    for one, other, column, meaning in PLANNED:
        left, right = arms.get(one), arms.get(other)
        if left is None or right is None:
            continue
        difference = contrast(left, right, column, seed)
        if difference:
            sign = "more" if difference.low > 0 else "less" if difference.high < 0 else "no clear difference"
            row = {"a": one, "b": other, "column": column, **_json(difference), "found": sign, "meaning": meaning}
            found.append(row)
    return found


def _json(found: Figure) -> dict[str, float]:
    return {"mean": round(found.mean, 4), "low": round(found.low, 4), "high": round(found.high, 4)}
