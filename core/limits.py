"""How often a person, a conversation, a channel and a workspace may ask, and what is said to whom asks more often.

The same numbers end every loop with another bot: what is refused is said a few times and then not any more, and a bot
that only answers us falls silent when we do.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from core.errors import InputError, UnavailableError
from core.phrases import phrase

PERIODS: Final = {"second": 1.0, "minute": 60.0, "hour": 3600.0, "day": 86400.0}
_LIMIT: Final = re.compile(r"\s*(\d{1,9})\s*/\s*([a-z]+)\s*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Limit:
    """So many a period, all of them at once if need be; afterwards they come back one by one."""

    most: int
    period: str

    @property
    def seconds(self) -> float:
        """The period's length."""
        return PERIODS[self.period]


TOLD: Final = Limit(3, "hour")  # refusals in one conversation; beyond, silence, which is what ends a loop


def to_limit(text: str) -> Limit | None:
    """Return the limit of a text such as `10/minute`, None for `off`. InputError."""
    if text.strip().lower() == "off":
        return None
    found = _LIMIT.fullmatch(text)
    period = found[2].lower() if found else ""
    if not found or period not in PERIODS or not int(found[1]):
        raise InputError(f"{text[:40]!r} is no limit: write it as 10/minute, per second, minute, hour or day, or off")
    return Limit(int(found[1]), period)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one of each may ask; None: as much as they like."""

    user: Limit | None = Limit(10, "minute")  # a fast dialogue; a flood is another thing
    conversation: Limit | None = Limit(60, "hour")  # no two people talk so long, but two bots would
    channel: Limit | None = Limit(30, "minute")  # platforms take about one message a second there
    workspace: Limit | None = Limit(5_000, "day")  # what a mistake may cost


UNLIMITED: Final = Limits(user=None, conversation=None, channel=None, workspace=None)


class Paces(Protocol):
    """Counts what was asked, for all processes together."""

    async def take(self, workspace: str, wanted: Sequence[tuple[str, Limit]]) -> tuple[int, float] | None:
        """Count one for every name, or for none: then which of them is used up longest, and for how many seconds.

        KnowledgeDown.
        """
        ...


class Unpaced:
    """Counts nothing: for installations and tests without limits."""

    async def take(self, workspace: str, wanted: Sequence[tuple[str, Limit]]) -> tuple[int, float] | None:  # noqa: ARG002
        """Return None."""
        return None


class Limiter:
    """Says no in time, and when it is yes again."""

    def __init__(self, paces: Paces, limits: Limits) -> None:
        self._paces, self._limits = paces, limits

    async def refusal(
        self, workspace: str, *, user: str, conversation: str, channel: str, tongue: str, aside: bool = False
    ) -> str | None:
        """Count a question; None: answer it. Else what to say, empty when it was said often enough.

        `aside`: only the asker sees the reply, and waits for one, so it is always said.
        """
        names = {"user": user, "conversation": conversation, "channel": channel, "workspace": workspace}
        wanted = [(kind, name, limit) for kind, name in names.items() if (limit := getattr(self._limits, kind))]
        over = await self._take(workspace, [(f"{kind} {name}", limit) for kind, name, limit in wanted])
        if over is None:
            return None
        if not aside and await self._take(workspace, [(f"told {conversation}", TOLD)]):
            return ""
        kind, _, limit = wanted[over[0]]
        per = phrase(f"per_{limit.period}", tongue)
        return phrase(f"limit_{kind}", tongue, most=limit.most, per=per, wait=to_wait(over[1], tongue))

    async def _take(self, workspace: str, wanted: list[tuple[str, Limit]]) -> tuple[int, float] | None:
        try:
            return await self._paces.take(workspace, wanted) if wanted else None
        except UnavailableError:
            return None  # a database that is away cannot count; the answer will say so itself


def to_wait(seconds: float, tongue: str) -> str:
    """Return a wait as a person says it, rounded up: `in 40 seconds`, `dentro de 3 minutos`."""
    for unit, length in (("hours", 3600), ("minutes", 60)):
        if seconds > 2 * length:
            return phrase(f"in_{unit}", tongue, n=math.ceil(seconds / length))
    return phrase("in_seconds", tongue, n=max(5, 5 * math.ceil(seconds / 5)))
