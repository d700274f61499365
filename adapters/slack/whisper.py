"""A reply that only the asker sees, by Slack's `response_url`: five times within half an hour."""

from collections.abc import Sequence
from typing import Any, Final

import aiohttp

from adapters.slack.errors import NoPlace, SlackDown
from adapters.slack.render import Post
from core.reception import Held

MOST: Final = 4  # of five; one is kept for an error
PATIENCE: Final = aiohttp.ClientTimeout(total=10)


class Whisper:
    """The same steps as `Showing`; what was whispered is noted, so that a successor does not repeat it."""

    def __init__(self, session: aiohttp.ClientSession, held: Held, url: str) -> None:
        self._session, self._held, self._url = session, held, url
        self.finished = bool(held.again and held.placeholder)

    @property
    def posts(self) -> tuple[str, ...]:
        """Nowhere: a whisper cannot be found again."""
        return ()

    async def begin(self, stage: str = "searching") -> None:
        """Nothing to see yet: Slack shows that the command was taken."""

    async def stage(self, stage: str) -> None:
        """Nothing to see."""

    async def hold_place(self, text: str) -> None:
        """Nothing to hold: a whisper cannot be edited."""

    async def end(self, posts: Sequence[Post]) -> None:
        """Whisper the reply."""
        await self._held.own()
        for post in posts[:MOST]:
            await self.say(post)
        await self._held.note("whispered")

    async def say(self, post: Post) -> None:
        """Whisper one message. SlackDown, NoPlace."""
        body: dict[str, Any] = {
            "response_type": "ephemeral",
            "replace_original": False,
            "text": post.text,
            "unfurl_links": False,
            "unfurl_media": False,
        }
        if post.blocks:
            body["blocks"] = list(post.blocks)
        try:
            async with self._session.post(self._url, json=body, timeout=PATIENCE) as response:
                status = response.status
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise SlackDown("Slack did not take the reply.") from error
        if status >= 500 or status == 429:
            raise SlackDown(f"Slack did not take the reply ({status}).")
        if status != 200:
            raise NoPlace(f"Slack no longer takes a reply to this ({status}).", "used_url")
