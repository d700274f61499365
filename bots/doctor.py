"""`vocero doctor`: everything the bot stands on, looked at one by one, each with its remedy."""

import shutil
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from typing import Any, Final

from core.errors import BotError
from infra.settings import Settings

ROOM: Final = 1_000_000_000  # bytes free in VOCERO_HOME; the write-ahead log alone may take a quarter of it
MULTILINGUAL: Final = "intfloat/multilingual-e5-small"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing looked at; `level` is ok, note (works, but know this) or bad."""

    name: str
    level: str
    detail: str

    @property
    def bad(self) -> bool:
        """Whether the bot cannot do its work because of this."""
        return self.level == "bad"

    def to_json(self) -> dict[str, Any]:
        """Return the finding as JSON."""
        return asdict(self)

    def to_line(self) -> str:
        """Return the finding as a line."""
        return f"{self.level:<5} {self.name:<10} {self.detail}"


async def examine(settings: Settings, *, say: Callable[[str], None]) -> list[Finding]:
    """Return what was found, the same rows in the same order every time."""
    return [finding async for finding in _examine(settings, say)]


async def _examine(settings: Settings, say: Callable[[str], None]) -> AsyncIterator[Finding]:
    from bots import wiring

    yield Finding(name="python", level="ok", detail=sys.version.split()[0])
    yield _room(settings)
    async with AsyncExitStack() as stack:
        try:
            ends = await stack.enter_async_context(wiring.open_endpoints(settings, say=say))
        except BotError as error:
            yield Finding(name="embedded", level="bad", detail=str(error))
            return
        for note in ends.notes:
            yield Finding(name="embedded", level="note", detail=note)
        database = await _ask("database", lambda: wiring.database_health(ends))
        yield database
        if not database.bad:
            yield await _ask("writes", lambda: wiring.write_health(ends))
        yield await _ask("redis", lambda: wiring.redis_health(ends), otherwise="note")
        yield await _ask("model", lambda: wiring.model_health(ends), otherwise="note")
        yield await _ask("embeddings", lambda: wiring.embedder_health(settings))
        if settings.rerank_url is not None:
            yield await _ask("reranker", lambda: wiring.reranker_health(settings), otherwise="note")
    if settings.slack_bot_token is not None or settings.slack_oauth:
        async for finding in _slack(settings):
            yield finding
    if settings.discord_bot_token is not None:
        async for finding in _discord(settings):
            yield finding
    if settings.embedding_url is None:
        detail = (
            f"the embedded model reads English; for other languages serve {MULTILINGUAL} with TEI: VOCERO_EMBEDDING_URL"
        )
        yield Finding(name="languages", level="note", detail=detail)


async def _slack(settings: Settings) -> AsyncIterator[Finding]:
    from bots import slack_setup as slack

    token = await _ask("slack", lambda: slack.token_health(settings))
    yield token
    if not token.bad:
        if not settings.slack_oauth:  # else each workspace has granted its own
            yield await _ask("scopes", lambda: slack.scope_health(settings))
        yield await _ask("sockets", lambda: slack.socket_health(settings))
    yield await _ask("clock", lambda: slack.clock_health(settings))


async def _discord(settings: Settings) -> AsyncIterator[Finding]:
    from bots import discord_setup as discord

    token = await _ask("discord", lambda: discord.token_health(settings))
    yield token
    if not token.bad:
        yield await _ask("intents", lambda: discord.intent_health(settings))
        yield await _ask("rights", lambda: discord.permission_health(settings), otherwise="note")
        yield await _ask("commands", lambda: discord.command_health(settings), otherwise="note")
    yield await _ask("clock", lambda: discord.clock_health(settings), otherwise="note")


def _room(settings: Settings) -> Finding:
    place = settings.home
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    detail = f"{free / 1e9:.1f} GB free in {settings.home}"
    return Finding(
        name="disk", level="ok" if free > ROOM else "bad", detail=detail + ("" if free > ROOM else ": make room")
    )


async def _ask(name: str, look: Callable[[], Awaitable[str]], otherwise: str = "bad") -> Finding:
    try:
        return Finding(name=name, level="ok", detail=await look())
    except BotError as error:
        return Finding(name=name, level=otherwise, detail=str(error))
