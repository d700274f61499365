"""An answer as Discord shows it: safe Markdown, sources and small print below, buttons. Pure, without discord.py.

Order: `defuse` the whole text, say it in Discord's Markdown, split what came out. Titles and replies go the same way.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from core.footnotes import footnotes
from core.markdown import defuse, links, split, to_discord, to_units
from core.messages import Answer, Citation, Outcome
from core.phrases import phrase

CARD: Final = 2_800  # characters of a card's text; with head, sources and small print below Discord's 4,000
PLAIN: Final = 1_200  # the same of a plain message's 2,000
SOURCES: Final = 500  # of the sources
SMALL: Final = 250  # of the head and the small print, each
TITLE: Final = 100
PARTS: Final = 10  # messages of one reply
COLOURS: Final = {
    Outcome.ANSWERED: 0x57F287,
    Outcome.EXTRACTIVE: 0x5865F2,
    Outcome.ABSTAINED: 0xFEE75C,
    Outcome.REFUSED: 0xED4245,
    Outcome.FAILED: 0xED4245,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Button:
    """A button; `id` says what it does, see `buttons`."""

    label: str
    id: str
    danger: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One message. `head` and `foot` are small print; `pings`: the one role or person it may call."""

    text: str
    head: str = ""
    foot: tuple[str, ...] = ()
    buttons: tuple[Button, ...] = ()
    colour: int = 0
    pings: str = ""


def to_safe(text: str, allowed: Iterable[str] = ()) -> str:
    """Return Markdown in which nothing pings, unfolds or leads off the passages."""
    return to_discord(defuse(text, allowed))


def to_texts(text: str, allowed: Iterable[str] = (), *, plain: bool = False) -> list[str]:
    """Return the messages of a Markdown text; never empty."""
    return split(to_safe(text, allowed), PLAIN if plain else CARD, length=to_units)[:PARTS] or ["…"]


def to_allowed(answer: Answer) -> frozenset[str]:
    """Return the addresses that may be live: those of the citations and of the passages shown."""
    shown = (*answer.citations, *answer.nearest)
    return frozenset(c.url for c in shown if c.url).union(*(links(c.text) for c in shown))


def to_cards(
    answer: Answer,
    tongue: str,
    *,
    buttons: Iterable[Button] = (),
    notes: Iterable[str] = (),
    head: str = "",
    plain: bool = False,
) -> list[Card]:
    """Return an answer's messages; sources, small print and buttons stand below the last."""
    colour = COLOURS[answer.outcome]
    cards = [Card(text=text, colour=colour) for text in to_texts(answer.text, to_allowed(answer), plain=plain)]
    foot = [line for line in (_sources(answer.citations, tongue), _small(footnotes(answer, tongue, notes))) if line]
    cards[-1] = replace(cards[-1], foot=tuple(foot), buttons=tuple(buttons))
    if head:
        cards[0] = replace(cards[0], head=_small(head))
    return cards


def to_reply(text: str, allowed: Iterable[str] = (), *, plain: bool = False) -> list[Card]:
    """Return a command's reply."""
    return [Card(text=one) for one in to_texts(text, allowed, plain=plain)]


def to_content(card: Card) -> str:
    """Return a card as one plain message."""
    return "\n".join(part for part in (card.head, card.text, *card.foot) if part)


def _small(text: str) -> str:
    """Return one line of small print, safe and cut."""
    said = " ".join(to_safe(text).split())
    return f"-# {said if len(said) <= SMALL else said[: SMALL - 1].rsplit(' ', 1)[0] + '…'}" if said else ""


def _sources(citations: Iterable[Citation], tongue: str) -> str:
    lines: list[str] = []
    for citation in citations:
        line = f"-# [{citation.n}] {_source(citation)}"
        if line not in lines and sum(map(len, lines)) + len(line) <= SOURCES:
            lines.append(line)
    return "\n".join([f"-# **{phrase('sources', tongue)}**", *lines]) if lines else ""


def _source(citation: Citation) -> str:
    """Return a source as a link where it has an address: written here, from what an admin added, never by the model."""
    title = " ".join(to_safe(citation.title[:TITLE]).split()) or citation.document
    url = citation.url
    good = url.startswith(("http://", "https://")) and len(url) <= SOURCES // 2
    if not good or any(c.isspace() or c in "<>()" for c in url):
        return title
    return f"[{title.replace('[', '(').replace(']', ')')}](<{url}>)"
