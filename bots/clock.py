"""The doctor's row about this machine's clock, held against the clock of the platform it talks to."""

import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from typing import Final

import aiohttp

from core.errors import UnavailableError

SKEW: Final = 30.0  # seconds; Slack's signatures are void after five minutes
TIMEOUT: Final = 10.0


async def clock_health(url: str, who: str, why: str, now: Callable[[], float] = time.time) -> str:
    """Return a sentence about the clock: any answer of the address, even a refusal, says what time it is there.

    `why`: what goes wrong with a wrong one. UnavailableError when it is off by more than half a minute, or no answer.
    """
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT)) as session,
            session.get(url) as response,
        ):
            date = response.headers.get("Date", "")
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise UnavailableError(f"{who} cannot be reached at {url}: check the network.") from error
    late = now() - parsedate_to_datetime(date).timestamp() if date else 0.0
    if abs(late) > SKEW:
        raise UnavailableError(
            f"this machine's clock is {abs(late):.0f} s {'ahead' if late > 0 else 'behind'}: switch time "
            f"synchronisation (NTP) on; {why}"
        )
    return f"this machine's clock agrees with {who}'s"
