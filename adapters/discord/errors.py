"""The one door for Discord's errors.

BotError
├── UnavailableError
│   └── DiscordDown      Discord is silent, busy or broken: tried again later
└── RefusedError
    └── DiscordRefused   Discord will not do it
        ├── NoPlace      nobody can be told there: deleted, hidden, locked
        └── Expired      the interaction's token is too old
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import aiohttp
import discord

from core.errors import RefusedError, UnavailableError

_PLACE: Final = {10003, 10008, 50001, 50013, 50008, 50083, 50007, 160005, 30046}
_EXPIRED: Final = {10062, 10015, 50027}
ACKNOWLEDGED: Final = 40060
THREAD_EXISTS: Final = 160004
NO_CHANNEL: Final = 10003
NO_MESSAGE: Final = 10008


class DiscordDown(UnavailableError):
    """Discord is silent, busy or broken."""


class DiscordRefused(RefusedError):
    """Discord will not do it. `code` is Discord's own number."""

    def __init__(self, sentence: str, code: int = 0) -> None:
        super().__init__(sentence)
        self.code = code


class NoPlace(DiscordRefused):
    """Nobody can be told there."""


class Expired(DiscordRefused):
    """The interaction's token is too old."""


@contextmanager
def translated() -> Iterator[None]:
    """Translate what discord.py raises. DiscordDown, DiscordRefused."""
    try:
        yield
    except discord.HTTPException as error:
        raise to_error(error) from error
    except discord.RateLimited as error:
        raise DiscordDown("Discord is busy and asked me to wait.") from error
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise DiscordDown("Discord does not answer.") from error
    except RuntimeError as error:  # aiohttp's word for a client that was closed in between
        if "closed" not in str(error):
            raise
        raise DiscordDown("The connection to Discord was closed.") from error


def to_error(error: discord.HTTPException) -> DiscordDown | DiscordRefused:
    """Return the sentence for an answer of Discord that is not ok."""
    if error.status >= 500 or error.status == 429:
        return DiscordDown(f"Discord could not do this ({error.status}).")
    if error.code in _EXPIRED:
        return Expired(f"Discord no longer takes a reply to this ({error.code}).", error.code)
    if error.status == 401:  # the token was reset: what is not said yet is kept until there is a new one
        return DiscordDown("Discord does not take the bot's token.")
    if error.code in _PLACE or error.status == 403:
        return NoPlace(f"Discord has no place for this ({error.code}).", error.code)
    return DiscordRefused(f"Discord refused this ({error.code}).", error.code)
