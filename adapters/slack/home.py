"""The App Home: what I know, your recent questions, privacy, and what admins can do. Pure."""

from collections.abc import Sequence
from typing import Any, Final

from adapters.slack.events import Me
from adapters.slack.render import Block, button, context, escape, section, to_safe
from core.chat import Exchange, Gap
from core.commands import to_help
from core.documents import Document, State
from core.phrases import phrase

TITLES: Final = 15
RECENT: Final = 5
GAPS: Final = 5
HELP: Final = 2_900  # characters of one section


def to_home(
    me: Me,
    documents: Sequence[Document],
    recent: Sequence[Exchange],
    *,
    gaps: Sequence[Gap] = (),
    admin: bool,
    tongue: str,
) -> dict[str, Any]:
    """Return the view; links to questions instead of their text, which is not kept. `gaps`: for admins only."""
    held = [d for d in documents if d.state is not State.REMOVED]
    blocks = [section(escape(phrase("home", tongue, name=me.name)))]
    if admin:
        blocks.append(_controls(tongue))
        blocks += [_document(d, tongue) for d in held[:TITLES]] or [section(phrase("no_documents", tongue))]
    else:
        titles = "\n".join(f"• {to_safe(d.title[:150])}" for d in held[:TITLES])
        blocks.append(section(titles or phrase("no_documents", tongue)))
    if len(held) > TITLES:
        blocks.append(context(phrase("more", tongue, n=len(held) - TITLES)))
    links = [f"• <{to_link(x, me)}|{x.created:%Y-%m-%d %H:%M}>" for x in recent[:RECENT] if x.created]
    if links:
        blocks += [{"type": "divider"}, section(f"*{phrase('home_recent', tongue)}*\n" + "\n".join(links))]
    blocks += [{"type": "divider"}, context(escape(phrase("home_privacy", tongue)))]
    if admin:
        blocks += _gaps(gaps, tongue)
        blocks += [section(f"*{escape(phrase('home_admin', tongue))}*"), section(to_safe(to_help(admin=True))[:HELP])]
    return {"type": "home", "blocks": blocks}


def _controls(tongue: str) -> Block:
    """Return the row of an admin: something to learn, and the channel whose settings to open."""
    channel = {
        "type": "conversations_select",
        "action_id": "vocero_channel",
        "placeholder": {"type": "plain_text", "text": phrase("home_settings", tongue)},
        "filter": {"include": ["public", "private"], "exclude_bot_users": True},
    }
    add = button(phrase("home_add", tongue), "vocero_open_add", style="primary")
    return {"type": "actions", "elements": [add, channel]}


def _document(document: Document, tongue: str) -> Block:
    said = f"*{to_safe(document.title[:150] or document.source[:150])}* {document.state.value}, {document.chunks}"
    reason = f"\n{to_safe(document.reason[:300])}" if document.reason else ""
    ways = ["refresh"] if document.url else []
    options = [
        {"text": {"type": "plain_text", "text": phrase(f"home_{way}", tongue)}, "value": f"{way}:{document.id}"}
        for way in (*ways, "remove")
    ]
    sure = {
        "title": {"type": "plain_text", "text": phrase("home_sure", tongue)},
        "text": {"type": "plain_text", "text": document.title[:250] or document.id},
        "confirm": {"type": "plain_text", "text": phrase("yes", tongue)},
        "deny": {"type": "plain_text", "text": phrase("no", tongue)},
    }
    menu = {"type": "overflow", "action_id": "vocero_document", "options": options, "confirm": sure}
    return {**section(said + reason), "accessory": menu}


def _gaps(gaps: Sequence[Gap], tongue: str) -> list[Block]:
    if not gaps:
        return []
    lines = [f"• {gap.created:%Y-%m-%d}: {to_safe(gap.question[:300])}" for gap in gaps[:GAPS]]
    return [section("\n".join([f"*{phrase('home_gaps', tongue)}*", *lines])[:HELP]), {"type": "divider"}]


def to_link(exchange: Exchange, me: Me) -> str:
    """Return the address of a question's message."""
    *_, channel, ts = exchange.message.split("/")
    return f"{me.url}archives/{channel}/p{ts.replace('.', '')}"
