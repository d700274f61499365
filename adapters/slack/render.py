"""An answer as Slack shows it: safe mrkdwn in sections, sources and footer as context, buttons. Pure.

Order: `defuse` the whole text, say it in Slack's marks, split what came out. Titles and replies go the same way.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from core.footnotes import footnotes
from core.markdown import defuse, links, split, to_slack, to_units
from core.messages import Answer, Citation, Outcome
from core.phrases import phrase

TEXT: Final = 2_900  # of a section's 3,000, in UTF-16 units; the same text is the fallback, and an edit takes 4,000
CONTEXT: Final = 1_800  # characters of sources in one context element
VALUE: Final = 1_900  # of a button's 2,000
TITLE: Final = 150
PARTS: Final = 12  # messages of one reply; a 40,000-character reply would flood a channel

Block = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """One message: blocks, and the text for notifications and screen readers."""

    text: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Buttons:
    """What stands below an answer. `exchange` names it; empty: no feedback. `share`: the question, to ask it aloud."""

    exchange: str = ""
    human: bool = False
    share: str = ""


def to_allowed(answer: Answer) -> frozenset[str]:
    """Return the addresses that may be live: those of the citations and of the passages shown."""
    shown = (*answer.citations, *answer.nearest)
    return frozenset(c.url for c in shown if c.url).union(*(links(c.text) for c in shown))


def to_safe(text: str, allowed: Iterable[str] = ()) -> str:
    """Return Markdown in Slack's marks in which nothing pings, unfolds or leads off the passages."""
    return to_slack(defuse(text, allowed))


def to_texts(text: str, allowed: Iterable[str] = ()) -> list[str]:
    """Return the messages of a Markdown text; never empty."""
    return split(to_safe(text, allowed), TEXT, length=to_units)[:PARTS] or ["…"]


def to_posts(answer: Answer, tongue: str, buttons: Buttons, notes: Iterable[str] = ()) -> list[Post]:
    """Return an answer's messages: its text, and below the last one the sources, the notes and the buttons."""
    texts = to_texts(answer.text, to_allowed(answer))
    posts = [Post(text=text, blocks=(section(text),)) for text in texts]
    tail: list[Block] = []
    if answer.citations:
        tail.append(context(phrase("sources", tongue) + ": " + _sources(answer.citations)))
    if footer := _footer(answer, tongue, notes):
        tail.append(context(footer))
    tail += _buttons(answer, tongue, buttons)
    posts[-1] = Post(text=posts[-1].text, blocks=(*posts[-1].blocks, *tail))
    return posts


def to_reply(text: str, allowed: Iterable[str] = ()) -> list[Post]:
    """Return a command's reply."""
    return [Post(text=one, blocks=(section(one),)) for one in to_texts(text, allowed)]


def section(text: str) -> Block:
    """Return a block of text in Slack's marks."""
    return {"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": True}}


def context(text: str) -> Block:
    """Return a block of small print in Slack's marks."""
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": text, "verbatim": True}]}


def button(text: str, action: str, value: str = "", *, style: str = "") -> Block:
    """Return a button."""
    label = {"type": "plain_text", "text": text[:75], "emoji": False}
    made: Block = {"type": "button", "text": label, "action_id": action, "value": value}
    return {**made, "style": style} if style else made


def to_confirmation(text: str, values: dict[str, Any], tongue: str) -> list[Post] | None:
    """Return a question with two buttons; None when the command does not fit into a button."""
    value = json.dumps(values, ensure_ascii=False, separators=(",", ":"))
    if len(value) > VALUE:
        return None
    said = to_texts(text)[0]
    buttons = [
        button(phrase("yes", tongue), "vocero_confirm", value, style="danger"),
        button(phrase("no", tongue), "vocero_cancel", value),
    ]
    return [Post(text=said, blocks=(section(said), {"type": "actions", "elements": buttons}))]


def escape(text: str) -> str:
    """Return plain text as Slack's marks say it."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _sources(citations: Iterable[Citation]) -> str:
    said, seen = "", set()
    for citation in citations:
        line = f"[{citation.n}] {_source(citation)}"
        if line in seen or len(said) + len(line) > CONTEXT:
            continue
        seen.add(line)
        said = f"{said} · {line}" if said else line
    return said


def _source(citation: Citation) -> str:
    """Return a source as a link where it has an address: written here, from what an admin added, never by the model."""
    title = to_safe(citation.title[:TITLE].replace("\n", " ")) or citation.document
    url = citation.url
    if (
        not url.startswith(("http://", "https://"))
        or len(url) > CONTEXT // 2
        or any(c.isspace() or c in '<>"' for c in url)
    ):
        return title
    bare = title.replace("|", " ").replace("<", "").replace(">", "")
    return f"<{url.replace('&', '&amp;').replace('|', '%7C')}|{bare}>"


def _footer(answer: Answer, tongue: str, notes: Iterable[str]) -> str:
    return to_safe(footnotes(answer, tongue, notes))[:CONTEXT]


def _buttons(answer: Answer, tongue: str, buttons: Buttons) -> list[Block]:
    found: list[Block] = []
    if buttons.exchange and answer.outcome in (Outcome.ANSWERED, Outcome.EXTRACTIVE):
        found.append({"type": "context_actions", "elements": [_feedback(tongue, buttons.exchange)]})
    row = []
    if buttons.human and buttons.exchange and answer.outcome is not Outcome.REFUSED:
        row.append(button(phrase("human", tongue), "vocero_human", buttons.exchange))
    if buttons.share and len(buttons.share) <= VALUE:
        row.append(button(phrase("share", tongue), "vocero_share", buttons.share))
    return [*found, {"type": "actions", "elements": row}] if row else found


def _feedback(tongue: str, exchange: str) -> Block:
    sides = {
        side: {
            "text": {"type": "plain_text", "text": phrase(word, tongue)},
            "accessibility_label": phrase(word, tongue),
            "value": f"{sign}{exchange}",
        }
        for side, word, sign in (("positive_button", "helpful", "+"), ("negative_button", "unhelpful", "-"))
    }
    return {"type": "feedback_buttons", "action_id": "vocero_feedback", **sides}
