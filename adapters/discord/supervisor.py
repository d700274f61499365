"""Keeps a connection to Discord: a new client after every end that is not final.

discord.py reconnects by itself once it is connected; the first connection is ours, since a failing one raises there
(discord.py #10520), and a client that ended cannot be started again.
"""

import asyncio
import random
from collections.abc import Callable
from types import TracebackType
from typing import Final, Self

import discord
import structlog

from adapters.discord.client import Ears
from core.ending import end
from core.errors import SetupError

FIRST, LONGEST = 1.0, 60.0  # seconds between two clients
FINAL: Final = {4004, 4010, 4011, 4012, 4013, 4014}
log = structlog.get_logger()


class Supervisor:
    """Runs clients until the block ends. `stopped` is set when there is no use in going on; `error` says why."""

    def __init__(self, make: Callable[[], Ears], token: str, *, first: float = FIRST) -> None:
        self._make, self._token, self._wait = make, token, first
        self._task: asyncio.Task[None] | None = None
        self._client: Ears | None = None
        self._begun = asyncio.Event()
        self.stopped, self.error = asyncio.Event(), ""

    async def __aenter__(self) -> Self:
        return self

    def start(self) -> None:
        """Begin to connect."""
        self._task = asyncio.create_task(self._run())

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._client is not None:
            await self._client.close()
        if self._task is not None:
            await end(self._task)

    async def client(self) -> Ears:
        """Return a client that is logged in, so that it can write; SetupError when there will be none."""
        while not self.stopped.is_set():
            if self._client is not None and self._client.application_id and not self._client.is_closed():
                return self._client
            await asyncio.sleep(0.05)
        raise SetupError(self.error)

    @property
    def connected(self) -> bool:
        """Whether the present client hears Discord."""
        return self._client is not None and self._client.is_ready() and not self._client.is_closed()

    async def ready(self) -> Ears:
        """Wait until the first client has seen its servers. SetupError."""
        begun, stopped = asyncio.ensure_future(self._begun.wait()), asyncio.ensure_future(self.stopped.wait())
        try:
            await asyncio.wait((begun, stopped), return_when=asyncio.FIRST_COMPLETED)
        finally:
            begun.cancel()
            stopped.cancel()
        if self.error:
            raise SetupError(self.error)
        return await self.client()

    async def _run(self) -> None:
        wait = self._wait
        while True:
            self._client = client = self._make()
            watching = asyncio.create_task(self._watch(client))
            try:
                await client.start(self._token)
                return  # closed by us
            except Exception as error:  # noqa: BLE001 - whatever ended it, a new client is tried
                if final := to_final(error):
                    self.error = final
                    self.stopped.set()
                    return
                log.warning("discord_connection_ended", error=type(error).__name__)
            finally:
                await end(watching)
                if not client.is_closed():
                    await client.close()
            wait = self._wait if client.is_ready() else min(LONGEST, wait * 2)
            await asyncio.sleep(wait * random.uniform(0.5, 1.0))  # noqa: S311 - only so that replicas differ

    async def _watch(self, client: discord.Client) -> None:
        while not client.is_ready():  # noqa: ASYNC110 - before its start a client has nothing to wait on
            await asyncio.sleep(0.05)
        self._begun.set()


def to_final(error: Exception) -> str:
    """Return why it is useless to try again, with the remedy; empty when it is not."""
    if isinstance(error, discord.LoginFailure):
        return "DISCORD_BOT_TOKEN is not accepted: copy it again from discord.com/developers, Bot, Reset Token."
    if isinstance(error, discord.PrivilegedIntentsRequired):
        return (
            "Discord refused the Message Content intent: switch it on at discord.com/developers, Bot, "
            "Privileged Gateway Intents, or unset VOCERO_DISCORD_MESSAGE_CONTENT."
        )
    if isinstance(error, discord.ConnectionClosed) and error.code in FINAL:
        return f"Discord ended the connection for good ({error.code}): see docs/discord.md."
    return ""
