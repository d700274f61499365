"""One process of the bot for `once.py`: stock slack-bolt, the real inbox; only the brain's services are in memory."""

import asyncio
import logging
import signal
from types import SimpleNamespace
from typing import Any

from infra.logs import configure
from infra.postgres.pool import Database
from tests.adapters.slack.conftest import joined
from tests.fakes.brain import Script, brain

SAID = "Refunds take 14 days after the goods arrive [1]."


def main(api_url: str, database_url: str, lease: float) -> None:
    """Serve until SIGTERM; then finish or hand over."""
    configure("text", level=logging.ERROR)
    asyncio.run(_serve(api_url, database_url, lease))


async def _serve(api_url: str, database_url: str, lease: float) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    slack: Any = SimpleNamespace(api_url=api_url)
    mind = brain(speaker=Script({"refunds": SAID}, pause=0.02))
    async with Database(database_url) as database, joined(database, slack=slack, mind=mind, lease=lease):
        await stop.wait()
