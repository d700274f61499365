"""Watching the ports: what `vocero run` puts around them, and other commands do without."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Final

from core.documents import Learned
from core.errors import BotError
from core.inbox import Inbox
from core.ports import Embedder, Knowledge, Speaker
from core.watch import unwatched
from infra.telemetry.observed import (
    ObservedEmbedder,
    ObservedInbox,
    ObservedKnowledge,
    ObservedSpeaker,
    Telemetry,
)

if TYPE_CHECKING:
    from infra.postgres.pool import Database

LOOK: Final = 3.0  # seconds for a service to say how it is, while somebody waits for the reply


class Watching:
    """Puts what watches around the ports; without telemetry they stay as they are."""

    def __init__(self, telemetry: Telemetry | None) -> None:
        self._telemetry = telemetry
        self.witness = telemetry.witness if telemetry else unwatched

    def embedder(self, embedder: Embedder) -> Embedder:
        """Return the embedder, watched."""
        return ObservedEmbedder(embedder, self._telemetry) if self._telemetry else embedder

    def knowledge(self, knowledge: Knowledge) -> Knowledge:
        """Return the knowledge, watched."""
        return ObservedKnowledge(knowledge, self._telemetry) if self._telemetry else knowledge

    def speaker(self, speaker: Speaker | None) -> Speaker | None:
        """Return the speaker, watched; None stays None."""
        return ObservedSpeaker(speaker, self._telemetry) if self._telemetry and speaker else speaker

    def inbox(self, inbox: Inbox) -> Inbox:
        """Return the inbox, watched."""
        return ObservedInbox(inbox, self._telemetry) if self._telemetry else inbox

    def redis_failed(self) -> None:
        """Count a call that Redis did not answer."""
        if self._telemetry:
            self._telemetry.meters.redis_errors.inc()

    def learned(self, learned: Learned) -> None:
        """Count a document that was learned or refused."""
        if self._telemetry:
            self._telemetry.meters.learned.labels(learned.state.value).inc()
            self._telemetry.meters.learning.labels(learned.state.value).observe(learned.seconds)

    async def sample(self, database: "Database") -> None:
        """Bring the gauges of the database up to date. KnowledgeDown."""
        from infra.postgres.pulse import pulse

        if self._telemetry:
            self._telemetry.meters.fill(connections=database.connections)
            self._telemetry.meters.fill(waiting=asdict(await pulse(database)))


async def troubles(health: Mapping[str, Callable[[], Awaitable[str]]]) -> list[str]:
    """Return what is wrong with the services now: its name and a sentence with the remedy, none when all is well."""
    said = await asyncio.gather(*(_trouble(name, look) for name, look in health.items()))
    return [sentence for sentence in said if sentence]


async def _trouble(name: str, look: Callable[[], Awaitable[str]]) -> str:
    try:
        async with asyncio.timeout(LOOK):
            await look()
    except TimeoutError:
        return f"{name}: no answer within {LOOK:.0f} s."
    except BotError as error:
        return f"{name}: {error}"
    return ""
