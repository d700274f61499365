"""A question from Discord to its answer in Discord."""

import asyncio
from contextlib import aclosing
from typing import Final

import structlog

from adapters.discord.audience import Kind
from adapters.discord.buttons import to_buttons
from adapters.discord.desk import Desk
from adapters.discord.hooks import GREY
from adapters.discord.permissions import to_call
from adapters.discord.question import Heard, Way
from adapters.discord.render import Card, to_cards, to_reply, to_texts
from adapters.discord.replies import Reply
from core.audience import WORKSPACE, Audience
from core.chat import Cited, Exchange
from core.errors import BotError, KnowledgeDown
from core.followup import asks
from core.messages import Answer, Done, Outcome, Piece, Question, Status
from core.phrases import phrase
from core.rooms import Settings
from core.stopping import Readings

CURSOR: Final = " ▍"
STOPPING: Final = 5.0  # seconds for what was stopped to show that it ended
QUOTED: Final = 200  # characters of the question above its answer
log = structlog.get_logger()


class Answering:
    """Asks the bot and shows what it says."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._readings = Readings()

    async def stop(self, message: str) -> None:
        """Stop the answer to a message that was taken back, and wait until it is seen where it stands."""
        if reader := self._readings.stop(message):
            await asyncio.wait({reader}, timeout=STOPPING)

    async def ask(
        self,
        heard: Heard,
        text: str,
        *,
        audience: Audience,
        settings: Settings,
        tongue: str,
        reply: Reply,
        again: bool = False,
        notes: tuple[str, ...] = (),
        above: str = "",
    ) -> str:
        """Answer a question; return the work's end.

        `again`: a predecessor began it, so it was counted. `above`: why it is answered though nobody just asked.
        """
        if heard.way is Way.FOLLOW and not above and not asks(text):
            return "ignored"  # people talking to each other; nobody asked us
        if not (again or above) and (refusal := await self._refusal(heard, text, tongue)) is not None:
            if refusal:
                await reply.end(to_reply(refusal, plain=self._desk.plain))
            return "done" if refusal else "ignored"
        await reply.begin()
        name = await self._exchange(heard)
        at, who = heard.workspace, heard.asker
        question = settings.to_question(
            text, workspace=at, audience=audience, user=who, conversation=heard.conversation
        )
        stream = self._desk.stream and settings.stream != "off"
        reading = self._listen(question, reply, tongue, stream=stream)
        answer = await self._readings.read((heard.key,), reading)
        answer = answer or Answer(text=phrase("stopped", tongue), outcome=Outcome.REFUSED, language=tongue)
        if heard.way is Way.FOLLOW and answer.outcome is Outcome.ABSTAINED and "?" not in text:
            return "ignored"  # people talking to each other; nobody asked us
        tongue = settings.language or answer.language
        if not audience.may_see(WORKSPACE) and answer.outcome is Outcome.ABSTAINED:
            notes = (*notes, phrase("restricted", tongue))
        seen = not heard.private and heard.place.kind is not Kind.DIRECT  # a human who is called sees the answer
        human = seen and bool(to_call(self._desk.human, heard.place.guild))
        cards = to_cards(
            answer,
            tongue,
            buttons=to_buttons(answer, name, tongue, human=human),
            notes=notes,
            head=above or (f"“{' '.join(text.split())[:QUOTED]}”" if heard.way is Way.COMMAND else ""),
            plain=self._desk.plain,
        )
        if settings.quiet and answer.outcome is Outcome.ABSTAINED and not heard.private:
            await reply.aside(cards)
        else:
            await reply.end(cards)
        if name:
            await self._shown(heard, reply, answer)
        return "done"

    async def _refusal(self, heard: Heard, text: str, tongue: str) -> str | None:
        """Return what is said to someone who asks too much, empty for nothing; None: answer."""
        said = await self._desk.limits.refusal(
            heard.workspace,
            user=heard.asker,
            conversation=heard.conversation,
            channel=heard.room,
            tongue=tongue,
            aside=heard.way is Way.COMMAND,
        )
        return "" if said and heard.way is Way.FOLLOW and "?" not in text else said

    async def _listen(self, question: Question, reply: Reply, tongue: str, *, stream: bool) -> Answer:
        said = ""
        async with aclosing(self._desk.bot.answer(question)) as events:
            async for event in events:
                match event:
                    case Status("writing"):
                        await reply.hold_place(Card(text=phrase("writing_answer", tongue), colour=GREY))
                    case Piece(text) if stream:
                        said += text
                        shown = to_texts(said, plain=self._desk.plain)[0]
                        await reply.hold_place(Card(text=shown + CURSOR, colour=GREY))
                    case Done(answer):
                        return answer
                    case _:
                        pass
        raise RuntimeError("an answer ended without its end")

    async def _exchange(self, heard: Heard) -> str:
        try:
            return await self._desk.exchanges.show(
                heard.workspace, Exchange(message=heard.key, conversation=heard.conversation, person=heard.asker)
            )
        except KnowledgeDown:
            return ""  # no buttons then; the answer says itself what is down

    async def _shown(self, heard: Heard, reply: Reply, answer: Answer) -> None:
        exchange = Exchange(
            message=heard.key,
            conversation=heard.conversation,
            person=heard.asker,
            posts=reply.posts,
            outcome=answer.outcome.value,
            cited=tuple(Cited(n=c.n, document=c.document, chunk=c.chunk) for c in answer.citations),
        )
        try:
            await self._desk.exchanges.show(heard.workspace, exchange)
        except BotError as error:
            log.info("exchange_not_kept", error=type(error).__name__)
