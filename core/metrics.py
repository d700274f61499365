"""How good a ranking is, judged by people: each metric of one question, from 0 (worst) to 1.

All take the ids as ranked, best first and none twice, and the grades of what was judged (above 0: relevant). The
numbers are those of trec_eval, and so of BEIR.
"""

from collections.abc import Mapping, Sequence
from math import log2

Grades = Mapping[str, float]


def ndcg(ranked: Sequence[str], grades: Grades, k: int) -> float:
    """Return the normalised discounted cumulative gain of the first k, 0 where nothing is relevant.

    sum(grade / log2(rank + 1)) over the same sum of the best possible ranking (Järvelin and Kekäläinen 2002, ACM TOIS
    20(4), equation 6, with trec_eval's linear gain).
    """
    best = _gain(sorted(grades.values(), reverse=True)[:k])
    return _gain([grades.get(one, 0.0) for one in ranked[:k]]) / best if best else 0.0


def recall(ranked: Sequence[str], grades: Grades, k: int) -> float:
    """Return the share of what is relevant that stands among the first k, 0 where nothing is relevant."""
    relevant = {one for one, grade in grades.items() if grade > 0}
    return len(relevant.intersection(ranked[:k])) / len(relevant) if relevant else 0.0


def mrr(ranked: Sequence[str], grades: Grades, k: int) -> float:
    """Return one over the rank of the first relevant among the first k, else 0 (Voorhees 1999, TREC-8 QA track)."""
    return next((1 / rank for rank, one in enumerate(ranked[:k], 1) if grades.get(one, 0.0) > 0), 0.0)


def _gain(grades: Sequence[float]) -> float:
    return sum(max(grade, 0.0) / log2(rank + 1) for rank, grade in enumerate(grades, 1))
