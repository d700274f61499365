"""A question from Slack to its answer in Slack."""

from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Final, Protocol

from adapters.slack.audience import restricted
from adapters.slack.heard import Heard, Way
from adapters.slack.outbox import attempt
from adapters.slack.render import Buttons, Post, context, to_posts, to_reply
from adapters.slack.streaming import Stream
from adapters.slack.team import Desk, Team
from core.audience import Audience
from core.chat import Exchange
from core.followup import asks
from core.messages import Answer, Done, Outcome, Piece, Question, Status
from core.phrases import phrase
from core.reception import Held
from core.rooms import Settings
from core.stopping import Readings

STAGES: Final = {"searching": "searching", "writing": "writing"}


class Reply(Protocol):
    """Where a reply appears: a conversation, or the asker's eyes only."""

    finished: bool

    @property
    def posts(self) -> tuple[str, ...]:
        """Where the reply stands, for what comes after it."""
        ...

    async def begin(self, stage: str = "searching") -> None:
        """Say that something is happening."""
        ...

    async def stage(self, stage: str) -> None:
        """Say what is happening."""
        ...

    async def hold_place(self, text: str) -> None:
        """Show a sentence that the reply will replace."""
        ...

    async def end(self, posts: Sequence[Post]) -> None:
        """Show the reply."""
        ...


class Answering:
    """Asks the bot and shows what it says."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._readings = Readings()

    def stop(self, *names: str) -> None:
        """Stop the answer to a message, or in a conversation, as its asker wished, if one is under way here."""
        self._readings.stop(*names)

    async def ask(
        self,
        held: Held,
        heard: Heard,
        text: str,
        *,
        team: Team,
        audience: Audience,
        settings: Settings,
        tongue: str,
        reply: Reply,
        notes: tuple[str, ...] = (),
        above: str = "",
    ) -> str:
        """Answer a question; return the work's end.

        `above`: why it is answered though nobody just asked, in Slack's marks; it then stands above the answer.
        """
        if heard.way is Way.FOLLOW and not above and not asks(text):
            return "ignored"  # people talking to each other; nobody asked us
        if not (held.again or above) and (refusal := await self._refusal(heard, text, tongue)) is not None:
            if refusal:
                await reply.end(to_reply(refusal))
            return "done" if refusal else "ignored"
        await reply.begin()
        exchange = Exchange(
            message=_message(heard, held), conversation=heard.conversation, person=heard.asker, posts=reply.posts
        )
        if reply.finished:
            await attempt(self._desk.exchanges.show(heard.workspace, exchange), what="exchange")
            return "done"
        at, who = heard.workspace, heard.asker
        question = settings.to_question(
            text, workspace=at, audience=audience, user=who, conversation=heard.conversation
        )
        stream = self._stream(held, heard, team, settings)
        answer = await self._read(heard, question, reply, stream, tongue)
        if heard.way is Way.FOLLOW and answer.outcome is Outcome.ABSTAINED and "?" not in text:
            return "ignored"  # people talking to each other; nobody asked us
        tongue = settings.language or answer.language
        if restricted(audience) and answer.outcome is Outcome.ABSTAINED:
            notes = (*notes, phrase("restricted", tongue))
        posts = to_posts(answer, tongue, self._buttons(heard, text, exchange.name), notes)
        if above:
            posts[0] = Post(text=f"{above}\n{posts[0].text}", blocks=(context(above), *posts[0].blocks))
        if settings.quiet and answer.outcome is Outcome.ABSTAINED and not heard.private:
            await self._aside(team, heard, posts[0])
        elif stream:
            await self._end_stream(stream, reply, posts)
        else:
            await reply.end(posts)
        exchange = replace(exchange, posts=reply.posts, outcome=answer.outcome.value)
        await attempt(self._desk.exchanges.show(heard.workspace, exchange), what="exchange")
        return "done"

    async def _refusal(self, heard: Heard, text: str, tongue: str) -> str | None:
        """Return what is said to someone who asks too much, empty for nothing; None: answer."""
        said = await self._desk.limits.refusal(
            heard.workspace,
            user=heard.asker,
            conversation=heard.conversation,
            channel=heard.room,
            tongue=tongue,
            aside=heard.way in (Way.COMMAND, Way.SHORTCUT),
        )
        return "" if said and heard.way is Way.FOLLOW and "?" not in text else said

    async def _read(self, heard: Heard, question: Question, reply: Reply, stream: Stream | None, tongue: str) -> Answer:
        """Return the answer; one that was stopped says so."""
        names = (heard.conversation, heard.message)
        answer = await self._readings.read(names, self._listen(question, reply, stream))
        return answer or Answer(text=phrase("stopped", tongue), outcome=Outcome.REFUSED, language=tongue)

    async def _listen(self, question: Question, reply: Reply, stream: Stream | None) -> Answer:
        async with aclosing(self._desk.bot.answer(question)) as events:
            async for event in events:
                match event:
                    case Status(stage) if stage == "writing":
                        await reply.stage("writing")
                    case Piece(text) if stream:
                        await stream.piece(text)
                    case Done(answer):
                        return answer
                    case _:
                        pass
        raise RuntimeError("an answer ended without its end")

    def _stream(self, held: Held, heard: Heard, team: Team, settings: Settings) -> Stream | None:
        wished = settings.stream == "on" and heard.way in (Way.MENTION, Way.FOLLOW) and not settings.quiet
        if held.again or not settings.threads or settings.stream == "off" or not heard.root:
            return None
        if not wished and (not self._desk.stream or heard.way is not Way.DIRECT):
            return None
        return Stream(team.outbox, held, heard)

    async def _end_stream(self, stream: Stream, reply: Reply, posts: list[Post]) -> None:
        await stream.close()
        adopt = getattr(reply, "adopt", None)
        if adopt:
            adopt(stream.posts)
        await reply.end(posts)

    def _buttons(self, heard: Heard, text: str, name: str) -> Buttons:
        aside = heard.way in (Way.COMMAND, Way.SHORTCUT)
        share = text if aside and not heard.channel.startswith("D") else ""
        return Buttons(exchange=name, human=bool(self._desk.human) and not aside, share=share)

    async def _aside(self, team: Team, heard: Heard, post: Post) -> None:
        await team.outbox.call(
            "chat.postEphemeral",
            channel=heard.channel,
            user=heard.user,
            text=post.text,
            blocks=list(post.blocks),
            thread_ts=heard.root or None,
        )


def _message(heard: Heard, held: Held) -> str:
    """Return the key of what was asked: its message, or for what has none the event."""
    return heard.message if heard.ts else f"{heard.room}/{held.work.arrival.event_key}"
