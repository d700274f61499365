"""Slack's native stream in direct conversations: what passed the checks appears sentence by sentence.

An enhancement only. Whatever happens to the stream, the whole answer is shown at the end: appended when it continues
what was streamed, else as an edit of the same message.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import structlog

from adapters.slack.errors import SlackRefused
from adapters.slack.heard import Heard
from adapters.slack.outbox import Outbox
from core.errors import BotError
from core.markdown import defuse
from core.reception import Held

MOST: Final = 9_000  # bytes of one streamed message; Slack ends it at about 11,000
LONGEST: Final = 240.0  # seconds of one stream; Slack ends it at about 300
ENDED: Final = ("msg_too_long", "message_not_in_streaming_state")
log = structlog.get_logger()


class Stream:
    """A streamed reply; one message rolls over into the next before Slack would end it. `posts`: their timestamps."""

    def __init__(
        self, outbox: Outbox, held: Held, heard: Heard, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._outbox, self._held, self._heard, self._clock = outbox, held, heard, clock
        self.posts: list[str] = []
        self._text, self._taken = "", ""  # said by the bot; of that, defused, what was shown
        self._here, self._begun, self._broken = "", 0.0, False

    async def piece(self, text: str) -> None:
        """Show more. Nothing of the stream ever fails the answer."""
        self._text += text
        # without its passages at hand nothing may be live here: the end has the links
        safe = defuse(self._text)
        if _open_fence(self._text):
            safe = safe.removesuffix("\n```")  # which closes what is still being written
        more = safe.removeprefix(self._taken)
        if self._broken or not more or not safe.startswith(self._taken):
            return
        try:
            await self._show(more)
            self._taken = safe
        except BotError as error:
            self._broken = True
            log.info("stream_broke", error=type(error).__name__, code=getattr(error, "code", ""))

    async def _show(self, more: str) -> None:
        full = len((self._here + more).encode()) > MOST or self._clock() - self._begun > LONGEST
        if self._here and full:
            await self._roll()
        try:
            await self._send(more)
        except SlackRefused as error:
            if error.code not in ENDED or not self._here:
                raise
            await self._roll()  # Slack ended it earlier than it says
            await self._send(more)

    async def _roll(self) -> None:
        """End this message; what follows begins the next, in the code block that is open here, if any."""
        fence = _open_fence(self._here)
        if fence:
            with suppress(BotError):
                await self._outbox.call("chat.appendStream", **self._place("\n```"), ts=self.posts[-1])
        await self.close()
        self._here = ""
        if fence:
            await self._send(f"{fence}\n")

    async def _send(self, more: str) -> None:
        if self._here:
            await self._outbox.call("chat.appendStream", ts=self.posts[-1], **self._place(more))
        else:
            await self._held.own()
            who = {"recipient_team_id": self._heard.team, "recipient_user_id": self._heard.user}
            place = self._place(more)
            started = await self._outbox.call("chat.startStream", thread_ts=self._heard.root, **place, **who)
            self.posts.append(str(started["ts"]))
            self._begun = self._clock()
            await self._held.note(" ".join(self.posts))
        self._here += more

    def _place(self, more: str) -> dict[str, str]:
        return {"channel": self._heard.channel, "markdown_text": more}

    async def close(self) -> None:
        """End the stream, so that the message can be edited."""
        if self.posts:
            await close(self._outbox, self._heard.channel, self.posts[-1])


def _open_fence(text: str) -> str:
    """Return the line that opened the code block in which a text ends, empty when it ends in none."""
    fences = [line.strip() for line in text.splitlines() if line.lstrip().startswith("```")]
    return fences[-1] if len(fences) % 2 else ""


async def close(outbox: Outbox, channel: str, ts: str) -> None:
    """End a stream that may be open; one that is not cannot be ended, and need not be."""
    try:
        await outbox.call("chat.stopStream", channel=channel, ts=ts)
    except BotError as error:
        log.info("stream_closed_before", code=getattr(error, "code", ""))
