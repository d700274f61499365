"""Slack's native stream in direct conversations: what passed the checks appears sentence by sentence.

An enhancement only. Whatever happens to the stream, the whole answer is shown at the end: appended when it continues
what was streamed, else as an edit of the same message.
"""

import time
from typing import Final

import structlog

from adapters.slack.heard import Heard
from adapters.slack.outbox import Outbox
from core.errors import BotError
from core.markdown import defuse
from core.reception import Held

MOST: Final = 9_000  # bytes of one streamed message; Slack ends it at about 11,000
LONGEST: Final = 240.0  # seconds of one stream; Slack ends it at about 300
log = structlog.get_logger()


class Stream:
    """One streamed message; `shown` is what stands there, in standard Markdown."""

    def __init__(self, outbox: Outbox, held: Held, heard: Heard) -> None:
        self._outbox, self._held, self._heard = outbox, held, heard
        self.ts, self.shown, self._text, self._broken, self._begun = "", "", "", False, 0.0

    async def piece(self, text: str) -> None:
        """Show more. Nothing of the stream ever fails the answer."""
        self._text += text
        # without its passages at hand nothing may be live here: the end has the links
        safe = defuse(self._text)
        full = len(safe.encode()) > MOST or (self._begun and time.monotonic() - self._begun > LONGEST)
        if self._broken or full or not safe.startswith(self.shown) or safe == self.shown:
            return
        try:
            await self._send(safe[len(self.shown) :])
            self.shown = safe
        except BotError as error:
            self._broken = True
            log.info("stream_broke", error=type(error).__name__, code=getattr(error, "code", ""))

    async def _send(self, more: str) -> None:
        place = {"channel": self._heard.channel, "markdown_text": more}
        if self.ts:
            await self._outbox.call("chat.appendStream", ts=self.ts, **place)
            return
        await self._held.own()
        who = {"recipient_team_id": self._heard.team, "recipient_user_id": self._heard.user}
        started = await self._outbox.call("chat.startStream", thread_ts=self._heard.root, **place, **who)
        self.ts, self._begun = str(started["ts"]), time.monotonic()
        await self._held.note(self.ts)

    async def close(self) -> None:
        """End the stream, so that the message can be edited."""
        if self.ts:
            await close(self._outbox, self._heard.channel, self.ts)


async def close(outbox: Outbox, channel: str, ts: str) -> None:
    """End a stream that may be open; one that is not cannot be ended, and need not be."""
    try:
        await outbox.call("chat.stopStream", channel=channel, ts=ts)
    except BotError as error:
        log.info("stream_closed_before", code=getattr(error, "code", ""))
