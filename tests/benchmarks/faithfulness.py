"""Whether our measure of faithfulness ranks answers as people do: 237 answers, each judged by two or three humans.

The peer is one human against another: the mean of the pairs' correlations. Needs `human-judged` below `--data`.
"""

import gzip
import json
from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np

from core.comparison import faithful
from core.examples import Example
from core.messages import Answer, Outcome, Passage
from tests.benchmarks.session import Session, command
from tests.benchmarks.shelf import missing
from tests.benchmarks.table import Row

SET = "human-judged"
LEAST = 1.2  # times the agreement between two humans


async def bench(session: Session) -> list[Row]:
    """Return the correlation of our measure with the humans' mean, beside the humans' own."""
    if missing(session, "faithfulness", [SET]):
        return []
    with gzip.open(session.data / SET / "answers.jsonl.gz", "rt", encoding="utf-8") as lines:
        judged = [json.loads(line) for line in lines]
    humans = [row["human"]["faithfulness"] for row in judged]
    ours = [measure(row) for row in judged]
    mine = spearman(ours, [float(np.mean(scores)) for scores in humans])
    single = spearman(*zip(*[(m, s) for m, scores in zip(ours, humans, strict=True) for s in scores], strict=True))
    between = agreement(humans)
    what = f"{SET}: Spearman of the faithfulness measure"
    return [
        Row(bench="faithfulness", what=what, value=mine, peer="human with human", theirs=between, least=LEAST),
        Row(bench="faithfulness", what=f"{what}, with single humans", value=single, peer="the same", theirs=between),
    ]


def measure(row: dict[str, Any]) -> float:
    """Return how faithful an answer is to its passages; one that declines claims nothing and so nothing false."""
    passages = [
        Passage(chunk=c["id"], document=c["id"], title="", url="", text=c["text"], score=0.0, cosine=None)
        for c in row["contexts"]
    ]
    example = Example(id=row["task_id"], question=row["turns"][-1][1], answer=row["reference"])
    found = faithful(example, Answer(text=row["response"], outcome=Outcome.ANSWERED), passages, frozenset())
    return 1.0 if found is None else found


def agreement(humans: Sequence[Sequence[float]]) -> float:
    """Return the mean Spearman correlation of each two of them, over what both judged."""
    several = max(map(len, humans))
    return float(
        np.mean(
            [
                spearman(*zip(*[(row[a], row[b]) for row in humans if len(row) > max(a, b)], strict=True))
                for a, b in combinations(range(several), 2)
            ]
        )
    )


def spearman(one: Sequence[float], other: Sequence[float]) -> float:
    """Return Spearman's rank correlation, ties at their mean rank."""
    return float(np.corrcoef(_ranks(one), _ranks(other))[0, 1])


def _ranks(values: Sequence[float]) -> "np.ndarray[Any, Any]":
    found = np.asarray(values, float)
    order = np.sort(found)
    return (np.searchsorted(order, found, "left") + np.searchsorted(order, found, "right") - 1) / 2


if __name__ == "__main__":
    command(bench)
