"""The App Home: what I know, your recent questions, privacy, and what admins can do. Pure."""

from collections.abc import Sequence
from typing import Any

from adapters.slack.events import Me
from adapters.slack.render import context, escape, section, to_safe
from core.chat import Exchange
from core.commands import to_help
from core.documents import Document
from core.phrases import phrase

TITLES = 15
RECENT = 5


def to_home(
    me: Me, documents: Sequence[Document], recent: Sequence[Exchange], *, admin: bool, tongue: str
) -> dict[str, Any]:
    """Return the view; links to questions instead of their text, which is not kept."""
    titles = [f"• {to_safe(d.title[:150])}" for d in documents[:TITLES]]
    if len(documents) > TITLES:
        titles.append(phrase("more", tongue, n=len(documents) - TITLES))
    blocks = [
        section(escape(phrase("home", tongue, name=me.name))),
        section("\n".join(titles) or phrase("no_documents", tongue)),
    ]
    links = [f"• <{to_link(x, me)}|{x.created:%Y-%m-%d %H:%M}>" for x in recent[:RECENT] if x.created]
    if links:
        blocks += [{"type": "divider"}, section(f"*{phrase('home_recent', tongue)}*\n" + "\n".join(links))]
    blocks += [{"type": "divider"}, context(escape(phrase("home_privacy", tongue)))]
    if admin:
        blocks += [section(f"*{escape(phrase('home_admin', tongue))}*"), section(to_safe(to_help(admin=True))[:2_900])]
    return {"type": "home", "blocks": blocks}


def to_link(exchange: Exchange, me: Me) -> str:
    """Return the address of a question's message."""
    *_, channel, ts = exchange.message.split("/")
    return f"{me.url}archives/{channel}/p{ts.replace('.', '')}"
