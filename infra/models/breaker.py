"""A circuit breaker: after a few failures a server is left alone for a while, then tried with one request."""

import time
from collections import deque
from collections.abc import Callable
from typing import Final

FAILURES: Final = 3
WITHIN: Final = 10.0  # seconds
OPEN: Final = 5.0  # seconds: a router's health check takes about as long to notice


class Breaker:
    """Counts failures; `admit` before each request, then one of `succeeded`, `failed`, `abandoned`."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failures: deque[float] = deque(maxlen=FAILURES)
        self._opened: float | None = None
        self._trying = False

    @property
    def open(self) -> bool:
        """Whether `admit` would refuse now."""
        return self._opened is not None and (self._trying or self._clock() - self._opened < OPEN)

    def admit(self) -> bool:
        """Say whether a request may go out; once the pause is over, one may, and it decides."""
        if self.open:
            return False
        self._trying = self._opened is not None
        return True

    def succeeded(self) -> None:
        """Close, and forget the failures if this was the trial."""
        if self._trying:
            self._failures.clear()
        self._opened, self._trying = None, False

    def failed(self) -> None:
        """Open at the last failure that counts, or at once if this was the trial."""
        now = self._clock()
        self._failures.append(now)
        full = len(self._failures) == FAILURES and now - self._failures[0] <= WITHIN
        if self._trying or full:
            self._opened = now
        self._trying = False

    def abandoned(self) -> None:
        """Take the request back: its asker left before the server could show anything."""
        self._trying = False
