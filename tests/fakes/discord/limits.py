"""Rate limits and planned failures."""

import re
import time
from collections import defaultdict
from dataclasses import dataclass, field

from tests.fakes.discord.world import Json


@dataclass
class Limits:
    """`windows`: per pattern of `METHOD path`, so many calls in so many seconds. `failures`: taken once each.

    `most`: calls a second of the whole application but for interactions, as Discord's global limit; 0 for none.
    """

    most: int = 0
    windows: dict[str, tuple[int, float]] = field(default_factory=dict)
    failures: list[tuple[str, str, int, Json]] = field(default_factory=list)
    hits: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    calls: list[float] = field(default_factory=list)
    refused: int = 0

    def fail(self, method: str, pattern: str, status: int, body: Json | None = None, *, times: int = 1) -> None:
        """Let the next matching calls fail."""
        self.failures += [(method, pattern, status, body or {"message": "planned", "code": 0})] * times

    def failure(self, method: str, path: str) -> tuple[int, Json] | None:
        """Return a planned failure for this call, once."""
        for planned in self.failures:
            if planned[0] == method and re.search(planned[1], path):
                self.failures.remove(planned)
                return planned[2], planned[3]
        return None

    def wait_all(self, path: str) -> float | None:
        """Count a call for the global limit; the seconds to wait when it is over."""
        at = time.time()
        self.calls[:] = [hit for hit in self.calls if hit > at - 1]
        if not self.most or path.startswith(("/interactions/", "/webhooks/")):
            return None
        if len(self.calls) >= self.most:
            self.refused += 1
            return round(self.calls[0] + 1 - at, 3)
        self.calls.append(at)
        return None

    def wait(self, method: str, path: str, headers: dict[str, str]) -> float | None:
        """Count a call and fill its headers; the seconds to wait when it is over the limit."""
        for pattern, (most, window) in self.windows.items():
            if not re.search(pattern, f"{method} {path}"):
                continue
            at, hits = time.time(), self.hits[pattern + path]
            hits[:] = [hit for hit in hits if hit > at - window]
            reset = (hits[0] if hits else at) + window
            over = len(hits) >= most
            if not over:
                hits.append(at)
            headers["X-RateLimit-Limit"] = str(most)
            headers["X-RateLimit-Remaining"] = str(max(0, most - len(hits)))
            headers["X-RateLimit-Reset"] = f"{reset:.3f}"
            headers["X-RateLimit-Reset-After"] = f"{reset - at:.3f}"
            headers["X-RateLimit-Bucket"] = format(abs(hash(pattern)), "x")[:16]
            self.refused += over
            return round(reset - at, 3) if over else None
        return None
