"""The metrics of a ranking, against numbers worked out by hand and known from trec_eval."""

from math import log2

import pytest

from core.metrics import Grades, mrr, ndcg, recall

ONE: Grades = {"a": 1}
TWO: Grades = {"a": 1, "b": 1}
GRADED: Grades = {"a": 3, "b": 2, "c": 1, "n": 0, "x": -1}


@pytest.mark.parametrize(
    ("ranked", "grades", "k", "expected"),
    [
        ("a", ONE, 10, 1.0),
        ("za", ONE, 10, 1 / log2(3)),
        ("zza", ONE, 10, 0.5),
        ("zza", ONE, 2, 0.0),
        ("", ONE, 10, 0.0),
        ("a", {}, 10, 0.0),
        ("n", {"n": 0}, 10, 0.0),
        ("ab", TWO, 10, 1.0),
        ("a", TWO, 10, 1 / (1 + 1 / log2(3))),
        ("a", TWO, 1, 1.0),
        ("abc", GRADED, 3, 1.0),
        ("cba", GRADED, 3, (1 + 2 / log2(3) + 3 / 2) / (3 + 2 / log2(3) + 1 / 2)),
        ("xabc", GRADED, 4, (3 / log2(3) + 2 / 2 + 1 / log2(5)) / (3 + 2 / log2(3) + 1 / 2)),
    ],
)
def test_ndcg(ranked: str, grades: Grades, k: int, expected: float) -> None:
    """Linear gain, logarithmic discount, cut at k on both sides of the fraction; negative grades gain nothing."""
    assert ndcg(list(ranked), grades, k) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("ranked", "grades", "k", "expected"),
    [
        ("ab", TWO, 2, 1.0),
        ("zab", TWO, 2, 0.5),
        ("zz", TWO, 10, 0.0),
        ("abcnx", GRADED, 10, 1.0),
        ("nx", GRADED, 10, 0.0),
        ("a", {}, 10, 0.0),
        ("a", TWO, 1, 0.5),
    ],
)
def test_recall(ranked: str, grades: Grades, k: int, expected: float) -> None:
    """The share of the relevant, however many may be shown; judged and not relevant does not count."""
    assert recall(list(ranked), grades, k) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("ranked", "grades", "k", "expected"),
    [
        ("a", ONE, 10, 1.0),
        ("zza", ONE, 10, 1 / 3),
        ("zza", ONE, 2, 0.0),
        ("nba", GRADED, 10, 0.5),
        ("", ONE, 10, 0.0),
        ("a", {}, 10, 0.0),
    ],
)
def test_mrr(ranked: str, grades: Grades, k: int, expected: float) -> None:
    """Only the first relevant counts, and only within k."""
    assert mrr(list(ranked), grades, k) == pytest.approx(expected)
