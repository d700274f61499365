"""What an answer costs, by its user's own prices and what was measured; none that nobody gave is guessed. Pure."""

import math
from dataclasses import dataclass
from typing import Final

from core.errors import InputError

ANSWERS: Final = 1_000  # a cost is told for so many answers: one alone is a fraction of a cent
MILLION: Final = 1_000_000  # tokens that a price by the token is for
HOUR: Final = 3_600.0  # seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """What is paid, in one currency: for an hour of the server that answers, for a million tokens in and out.

    All that is given is added up. By the hour an answer costs the time it took alone on the server, the most it can.
    """

    hour: float = 0.0
    tokens_in: float = 0.0
    tokens_out: float = 0.0

    def __post_init__(self) -> None:
        if not all(math.isfinite(price) and price >= 0 for price in (self.hour, self.tokens_in, self.tokens_out)):
            raise InputError("A price is a number of 0 or more: correct --price-hour, --price-in or --price-out.")

    @property
    def given(self) -> bool:
        """Whether there is any."""
        return bool(self.hour or self.tokens_in or self.tokens_out)

    def answers(self, *, seconds: float, tokens_in: int | None, tokens_out: int) -> float | None:
        """Return what a thousand such answers cost; None without prices, or where the tokens in were not told."""
        if not self.given or (self.tokens_in and tokens_in is None):
            return None
        tokens = (tokens_in or 0) * self.tokens_in + tokens_out * self.tokens_out
        return ANSWERS * (seconds * self.hour / HOUR + tokens / MILLION)

    def training(self, seconds: float) -> float | None:
        """Return what so many seconds of training cost once, on a server of that price; None without one."""
        return seconds * self.hour / HOUR if self.hour else None
