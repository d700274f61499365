"""What the buttons below an answer do: keep a verdict, show the passages, call a human."""

from adapters.discord.desk import Desk
from adapters.discord.permissions import to_call
from adapters.discord.question import Heard
from adapters.discord.render import Card, to_reply
from adapters.discord.replies import Posting, Reply
from core.audience import Audience
from core.errors import RefusedError
from core.phrases import phrase
from core.reception import Held
from core.sources import to_passages


class Clicks:
    """Each button is a method of its name."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def verdict(self, held: Held, heard: Heard, *, tongue: str, reply: Reply) -> None:
        """Keep whether an answer helped, and why not. RefusedError when it is not known any more."""
        name, good = str(held.payload["name"]), held.payload["kind"] == "verdict"
        if not await self._desk.exchanges.judge(heard.workspace, name, heard.asker, good=good, why=heard.text):
            raise RefusedError(phrase("too_late", tongue))
        await reply.end([Card(text=phrase("thanks", tongue))])

    async def sources(self, held: Held, heard: Heard, *, audience: Audience, tongue: str, reply: Reply) -> None:
        """Show the passages behind an answer to who asks for them, if they may see them now. RefusedError."""
        found = await self._desk.exchanges.find(heard.workspace, name=str(held.payload["name"]))
        if found is None or not found.cited:
            raise RefusedError(phrase("no_sources", tongue))
        librarian, workspace = self._desk.librarian, heard.workspace
        said = await to_passages(found.cited, librarian, workspace=workspace, audience=audience, tongue=tongue)
        await reply.end(to_reply(said.text, said.urls, plain=self._desk.plain))

    async def human(self, held: Held, heard: Heard, *, tongue: str, reply: Reply, posting: Posting) -> None:
        """Call a human into the channel, once for an answer. RefusedError."""
        name = str(held.payload["name"])
        found = await self._desk.exchanges.find(heard.workspace, name=name)
        who = to_call(self._desk.human, heard.place.guild)
        if found is None or not who:
            raise RefusedError(phrase("too_late", tongue))
        if not await self._desk.exchanges.escalate(heard.workspace, name) and not held.again:
            await reply.end([Card(text=phrase("called_before", tongue))])
            return
        asker = f"<@{found.person.rpartition('/')[2]}>"
        card = Card(text=phrase("called", tongue, who=who, asker=asker), pings=who)
        answered = str(held.payload.get("answered") or "")
        await posting.post(heard.place.channel, card, f"{heard.message}-h", reply_to=answered)
        await reply.end([Card(text=phrase("human_called", tongue))])
