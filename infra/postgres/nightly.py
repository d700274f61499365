"""The nightly upkeep, by any process that may: indexes rebuilt, tables vacuumed, and the files written anew where bytes
of something forgotten are still in them. Which process does it, the database says; nobody has to run a cron job."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import structlog

from core.errors import BotError
from infra.postgres.pool import Database
from infra.postgres.upkeep import note, upkeep
from infra.postgres.wiping import wipe

log = structlog.get_logger()

LOOK: Final = 60.0  # seconds between two looks whether it is due
AGAIN: Final = 3600.0  # seconds until a night's upkeep that failed is tried again


@dataclass(frozen=True, slots=True, kw_only=True)
class Nightly:
    """Does the upkeep after `hour`, local time; `owner_url` names the role that migrates."""

    database: Database
    owner_url: str
    hour: int

    async def run(self) -> None:
        """Look for ever; what fails is tried again within the hour and logged."""
        while True:
            with suppress(BotError):  # a database that is away: said by what needs it
                await self.look(planned(datetime.now().astimezone(), self.hour))
            await asyncio.sleep(LOOK)

    async def look(self, since: datetime) -> bool:
        """Do what has been due since a moment, unless another process is at it; whether anything was done."""
        if not (await self.database.fetch("select vocero.take_upkeep(%s, %s)", (since, AGAIN)))[0][0]:
            return False
        try:
            done = await upkeep(self.owner_url)
            forgotten = (await self.database.fetch("select vocero.to_wipe()", ()))[0][0]
            wiped = await wipe(self.owner_url) if forgotten else await note(self.owner_url)
        except BotError as error:
            log.warning("upkeep failed", error=type(error).__name__, again=AGAIN)
            return False
        log.info("upkeep", reindexed=len(done.reindexed), vacuumed=len(done.vacuumed), receipts=wiped)
        return True


def planned(now: datetime, hour: int) -> datetime:
    """Return the last moment at which upkeep was planned."""
    today = now.replace(hour=hour, minute=0, second=0, microsecond=0)
    return today if today <= now else today - timedelta(days=1)
