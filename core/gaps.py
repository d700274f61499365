"""Questions that found no answer, tried again when documents changed; a platform then tells the asker, once.

Platform-neutral: what is filled arrives at the platform's handler as a work of the kind `filled`, with the payload that
`to_arrival` writes. The handler asks with the audience that the place has *now*, shows the answer where the question
stood, and notes the gap as filled. Whatever process learned the document, the platform's own process notices.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Final, Self

from core.audience import to_audience
from core.bot import Bot
from core.chat import Gap, Lessons
from core.ending import end
from core.errors import BotError
from core.inbox import Arrival
from core.messages import Question

KIND: Final = "filled"
BEAT: Final = 20.0  # seconds between two looks
MOST: Final = 16  # gaps tried a look; the others wait for the next
_log = logging.getLogger(__name__)


class Gaps:
    """Looks for gaps of one `platform` that can be filled by now; `async with` starts it.

    `accept` is `Reception.accept`: several processes may look at once, and a gap is told once.
    """

    def __init__(
        self,
        bot: Bot,
        lessons: Lessons,
        accept: Callable[[Arrival], Awaitable[bool]],
        *,
        platform: str,
        beat: float = BEAT,
    ) -> None:
        self._bot, self._lessons, self._accept, self._platform, self._beat = bot, lessons, accept, platform, beat
        self._looking: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._looking = asyncio.create_task(self._keep())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._looking:
            await end(self._looking)

    async def look(self) -> int:
        """Try what is ripe and hand over what can be answered; return how many were. BotError."""
        filled = 0
        for gap in await self._lessons.ripe(self._platform, MOST):
            if await self._bot.would(to_question(gap)) is not None:
                filled += await self._accept(to_arrival(gap))
            await self._lessons.looked(gap)  # afterwards: who dies here leaves it ripe
        return filled

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(self._beat)
            try:
                await self.look()
            except BotError as error:
                _log.warning("gaps_not_looked_at", extra={"error": type(error).__name__})
            except Exception:  # noqa: BLE001 - the next look may do better
                _log.exception("gaps_broke")


def to_question(gap: Gap) -> Question:
    """Return a gap as it was asked: by the same person, for the readers it had then, outside of its conversation."""
    return Question(text=gap.question, workspace=gap.workspace, audience=to_audience(list(gap.scopes)), user=gap.person)


def to_arrival(gap: Gap) -> Arrival:
    """Return what the platform is handed; each state of the documents may hand a gap over once."""
    return Arrival(
        workspace=gap.workspace,
        event_key=f"gap/{gap.id}/{gap.looked}",
        conversation=gap.conversation,
        payload={
            "kind": KIND,
            "gap": gap.id,
            "question": gap.question,
            "person": gap.person,
            "conversation": gap.conversation,
            "asked": gap.created.isoformat(),
        },
    )
