"""How sure the bot must be before it answers: a default, or fitted on a workspace's own questions. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

FEWEST: Final = 20  # of answerable and of unanswerable questions each; with fewer the default bar is the better guess
ANSWERED: Final = 0.9  # of the answerable questions a calibrated bar lets pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """What strength an answer needs, and how it was found: on `n` questions, with these rates, or by default."""

    least: float = 0.25
    n: int = 0
    answered: float | None = None  # of the answerable questions
    refused: float | None = None  # of the unanswerable ones


DEFAULT: Final = Bar()


def calibrated(answerable: Sequence[float], unanswerable: Sequence[float]) -> Bar | None:
    """Return the bar that lets `ANSWERED` of the answerable strengths pass; None where there are too few to say."""
    if min(len(answerable), len(unanswerable)) < FEWEST:
        return None
    least = sorted(answerable)[round(len(answerable) * (1 - ANSWERED))]
    return rated(least, answerable, unanswerable)


def rated(least: float, answerable: Sequence[float], unanswerable: Sequence[float]) -> Bar:
    """Return a bar with what it does to questions of these strengths."""
    return Bar(
        least=least,
        n=len(answerable) + len(unanswerable),
        answered=sum(s >= least for s in answerable) / len(answerable) if answerable else None,
        refused=sum(s < least for s in unanswerable) / len(unanswerable) if unanswerable else None,
    )
