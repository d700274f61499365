"""Shows one reply in a conversation: status at once, then its posts, each exactly once whoever finishes the work.

Every post carries the work's key in its metadata. A successor first looks in the thread for what its predecessor
posted: a finished part is left alone, a placeholder is completed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from adapters.slack.errors import SlackRefused
from adapters.slack.heard import Heard
from adapters.slack.outbox import Outbox, attempt
from adapters.slack.render import Post
from adapters.slack.streaming import close
from core.errors import BotError
from core.phrases import phrase
from core.reception import Held

EVENT: Final = "vocero_reply"
LOOKED: Final = 200  # messages of a thread that are looked at for one's own


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    ts: str
    finished: bool


class Showing:
    """One reply. `thread` False shows it in the channel itself."""

    def __init__(self, outbox: Outbox, held: Held, heard: Heard, *, tongue: str, thread: bool = True) -> None:
        self._outbox, self._held, self._heard, self._tongue = outbox, held, heard, tongue
        self._root = heard.root if thread and heard.root else None
        self._parts: dict[int, _Part] = {}
        self._key = held.work.arrival.event_key
        self._status = ""
        self.finished = False  # whether a predecessor showed it all; only the last part says so

    @property
    def channel(self) -> str:
        """Where it shows."""
        return self._heard.channel

    @property
    def posts(self) -> tuple[str, ...]:
        """Where the reply stands: `CHANNEL/TS` each."""
        return tuple(f"{self._heard.channel}/{part.ts}" for _, part in sorted(self._parts.items()))

    async def begin(self, stage: str = "searching") -> None:
        """Find what was shown before, and say that something is happening."""
        if self._held.again:
            await self.adopt_own()
        if not self.finished:
            await self.stage(stage)

    async def stage(self, stage: str) -> None:
        """Show a status; where Slack has none to show, a placeholder that becomes the answer."""
        said = phrase(stage, self._tongue)
        if said == self._status or 0 in self._parts:
            return
        first, self._status = not self._status, said
        shown = self._root is not None and await attempt(
            self._outbox.call(
                "assistant.threads.setStatus", channel_id=self._heard.channel, thread_ts=self._root, status=said
            ),
            what="status",
        )
        if not shown and first and self._root is not None:
            await self.hold_place(phrase("working", self._tongue))

    async def hold_place(self, text: str) -> None:
        """Post a placeholder, noted in the inbox before anything else happens."""
        if 0 not in self._parts:
            await self._post(0, Post(text=text, blocks=()), finished=False, last=False)

    def adopt(self, posts: Sequence[str]) -> None:
        """Take messages that stand there, such as closed streams, for the beginning of the reply."""
        for n, ts in enumerate(posts):
            self._parts.setdefault(n, _Part(ts=ts, finished=False))

    async def end(self, posts: Sequence[Post]) -> None:
        """Show the reply. SlackDown: try again later; SlackRefused: nobody can be told."""
        await self._held.own()
        for n, post in enumerate(posts):
            part = self._parts.get(n)
            if part and part.finished:
                continue
            last = n == len(posts) - 1
            if part:
                await self._update(n, part.ts, post, last=last)
            else:
                await self._post(n, post, finished=True, last=last)
        for n in [n for n in self._parts if n >= len(posts)]:  # of a stream that rolled over for less than it seemed
            ts = self._parts.pop(n).ts
            await attempt(self._outbox.call("chat.delete", channel=self._heard.channel, ts=ts), what="surplus")

    async def _post(self, n: int, post: Post, *, finished: bool, last: bool) -> None:
        sent = await self._outbox.call(
            "chat.postMessage", sure=self._held.own, **self._body(n, post, finished, last), thread_ts=self._root
        )
        self._parts[n] = _Part(ts=str(sent["ts"]), finished=finished)
        if n == 0:
            await self._held.note(self._parts[0].ts)

    async def _update(self, n: int, ts: str, post: Post, *, last: bool) -> None:
        body = self._body(n, post, finished=True, last=last)
        try:
            await self._outbox.call("chat.update", ts=ts, **body)
        except SlackRefused as error:
            if error.code == "message_not_found":
                await self._post(n, post, finished=True, last=last)
                return
            if error.code != "streaming_state_conflict":
                raise
            await close(self._outbox, self._heard.channel, ts)
            await self._outbox.call("chat.update", ts=ts, **body)
        self._parts[n] = _Part(ts=ts, finished=True)

    def _body(self, n: int, post: Post, finished: bool, last: bool) -> dict[str, Any]:
        about = {"work": self._key, "part": n, "finished": finished, "last": last}
        return {
            "channel": self._heard.channel,
            "text": post.text,
            "blocks": list(post.blocks) or None,
            "metadata": {"event_type": EVENT, "event_payload": about},
            "unfurl_links": False,
            "unfurl_media": False,
            "mrkdwn": True,
        }

    async def adopt_own(self) -> None:
        """Take over what a predecessor posted for this work; without the right to look, what it noted."""
        try:
            async for message in self._own():
                about = message["metadata"]["event_payload"]
                self._parts[int(about["part"])] = _Part(ts=str(message["ts"]), finished=bool(about["finished"]))
                self.finished |= bool(about["finished"] and about["last"])
        except BotError as error:
            if not isinstance(error, SlackRefused):
                raise
        if not self._parts and self._held.placeholder:
            self.adopt(self._held.placeholder.split())

    async def _own(self) -> Any:
        about = {"channel": self._heard.channel, "include_all_metadata": True}
        if self._root:
            rows = self._outbox.pages("conversations.replies", "messages", ts=self._root, **about)
        else:
            rows = self._outbox.pages("conversations.history", "messages", oldest=self._heard.ts or "0", **about)
        looked = 0
        async for message in rows:
            looked += 1
            metadata = message.get("metadata") or {}
            if metadata.get("event_type") == EVENT and metadata.get("event_payload", {}).get("work") == self._key:
                yield message
            if looked >= LOOKED * 10:
                return
