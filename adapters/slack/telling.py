"""Tells an admin, where they gave it, how a document that took longer has ended; and reads a thread that is taught."""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any, Final

from adapters.slack.errors import NoPlace, SlackRefused
from adapters.slack.heard import Heard, Way, to_plain
from adapters.slack.outbox import Outbox
from adapters.slack.render import to_reply
from adapters.slack.showing import Showing
from adapters.slack.team import Desk, Team
from core.documents import Notice, Said, Source, to_thread
from core.errors import RefusedError
from core.phrases import phrase
from core.reception import Held

MESSAGES: Final = 1_000  # of one thread, the oldest first
_KEPT: Final = ("team", "channel", "user", "ts", "root", "kind", "user_team", "shared")


def to_notice(heard: Heard, tongue: str) -> Notice:
    """Return where the end of what was ordered is to be told, without a word of the order."""
    order = heard.message if heard.ts else heard.response_url  # Slack makes one for each command
    address = {key: value for key, value in asdict(heard).items() if key in _KEPT}
    return Notice(
        key=hashlib.sha256(order.encode()).hexdigest()[:32],
        person=heard.asker,
        conversation=heard.conversation,
        address={"heard": address | {"way": heard.way.value}},
        tongue=tongue,
    )


async def tell(desk: Desk, held: Held, team: Team) -> str:
    """Show a notice where its order was given, or to the admin alone when that was aside, or cannot be written to."""
    payload: Mapping[str, Any] = held.payload
    heard = Heard(**{**payload["heard"], "text": "", "way": Way(payload["heard"]["way"])})
    tongue = str(payload["tongue"])
    said = await desk.orders.ended(heard.workspace, payload["ends"], tongue)
    settings = await desk.rooms.settings(heard.workspace, heard.room)
    if heard.way not in (Way.COMMAND, Way.SHORTCUT):
        try:
            showing = Showing(team.outbox, held, heard, tongue=tongue, thread=settings.threads)
            return await _show(showing, held, said.text)
        except NoPlace:
            pass
    opened = await team.outbox.call("conversations.open", users=heard.user)
    aside = replace(heard, channel=str(opened["channel"]["id"]), root="", ts="", way=Way.DIRECT)
    return await _show(Showing(team.outbox, held, aside, tongue=tongue, thread=False), held, said.text)


async def _show(showing: Showing, held: Held, text: str) -> str:
    if held.again:
        await showing.adopt_own()
    if not showing.finished:
        await showing.end(to_reply(text))
    return "done"


async def read_thread(outbox: Outbox, heard: Heard, team: Team, *, title: str, tongue: str) -> Source:
    """Return the thread that an order was given in, but for the order and what the bot said. RefusedError."""
    if not heard.root or heard.root == heard.ts or heard.way is Way.COMMAND:
        raise RefusedError(phrase("no_thread", tongue))
    said: list[Said] = []
    try:
        async for row in outbox.pages("conversations.replies", "messages", channel=heard.channel, ts=heard.root):
            text = to_plain(str(row.get("text") or ""))
            mine = row.get("bot_id") == team.me.bot or row.get("user") == team.me.user
            if text and not mine and row.get("ts") != heard.ts:
                when = datetime.fromtimestamp(float(row["ts"]), UTC)
                said.append(Said(who=await _name(team, row), text=text, when=when))
            if len(said) >= MESSAGES:
                break
    except SlackRefused as error:
        raise RefusedError(phrase("thread_unread", tongue)) from error
    if not said:
        raise RefusedError(phrase("thread_unread", tongue))
    return to_thread(said, conversation=heard.conversation, title=title)


async def _name(team: Team, row: Mapping[str, Any]) -> str:
    about = await team.people.profile(str(row["user"])) if row.get("user") else None
    shown = (about or {}).get("profile") or {}
    names = (
        shown.get("display_name"),
        shown.get("real_name"),
        (about or {}).get("real_name"),
        (about or {}).get("name"),
    )
    return next((str(name) for name in names if name), str(row.get("username") or "someone"))
