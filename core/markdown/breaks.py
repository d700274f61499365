"""Breaks, by invisible word joiners, whatever a client could turn into a link, an image, a mention or a tag.

It only inserts: the visible text stays, and without the joiners it is what it was. So it is safe to do twice.
"""

import re
from collections.abc import Iterator

from core.markdown.blocks import Block, Kind, scan
from core.markdown.links import MASS, SCHEME, address, dotted, ends

JOINER = "\u2060"
_SLASH = r"[\\*_~`]*[/／⁄∕]"
_APPS = r"mailto|tel|sms|javascript|vbscript|data|file|blob|slack|discord|msteams|skype|facetime|xmpp|irc|magnet|intent"
_EVERYWHERE = rf"(?i)@(?={MASS})|[:：](?={_SLASH}{_SLASH})|\bwww(?=\.)"
_IN_CODE = re.compile(
    rf"{_EVERYWHERE}|<(?=@[\w&!]|#[a-z\d]|!(?:{MASS}|subteam|date))|\b(?:mailto|tel|javascript):(?=\S)"
    r"|\w\.(?=[a-z]{2,24}(?:[/?#]|:\d))"
)
_IN_PROSE = re.compile(
    rf"{_EVERYWHERE}|<(?=[^\s\d=<-])|\\(?=<)|!(?=\[)|\](?=[(:])|&(?=#?\w{{1,32}};)|\b(?:{_APPS}):(?=\S)"
    r"|(?<=[\w*_~\\`)\]-])[.．](?=[\\*_~`]*[^\W\d_]{2})|[。｡․](?=[a-zａ-ｚ]{2})"
    r"|\d{1,3}\.\d{1,3}\.\d{1,3}\.(?=\d{1,3}[:/?#])"
)
_SPAN = re.compile(r"(?<!`)(`{1,2})(?!`).+?(?<!`)\1(?!`)")
_CANONICAL = re.compile(r"(?:\]\()?<(?P<url>[^\s<>]+)>")


def to_broken(text: str, allowed: frozenset[str]) -> str:
    """Return the text with everything broken but `<address>`, `](<address>)` and dotted words that are allowed.

    Inside a code block allowed addresses stand bare, and a dotted name without a path stays whole: no client links it
    there, and a joiner would spoil what is copied. Where a loose backtick before the code could pair with one in it,
    clients disagree on where code ends: it is then broken like prose.
    """
    blocks = scan(text)
    loose = any(_loose(line) for block in blocks if block.kind is not Kind.CODE for line in block.lines)
    return "\n".join(_block(block, allowed, loose=loose) for block in blocks)


def _loose(line: str) -> bool:
    return "\\`" in line or "`" in _SPAN.sub("", line)


def _block(block: Block, allowed: frozenset[str], *, loose: bool) -> str:
    text = "\n".join(block.lines)
    kept = list(_kept_words(text, allowed))
    if block.kind is not Kind.CODE:
        return _broken(text, _IN_PROSE, kept + list(_kept_links(text, allowed)))
    pattern = _IN_PROSE if loose and "`" in text else _IN_CODE
    body = _broken(text, pattern, kept + list(_kept_bare(text, allowed)))
    return f"{block.opening}\n{body}\n{block.closing}"


def _broken(text: str, pattern: re.Pattern[str], kept: list[tuple[int, int]]) -> str:
    held = {at for start, end in kept for at in range(start + 1, end)}
    pieces, last = [], 0
    for match in pattern.finditer(text):
        if match.end() not in held:
            pieces.append(text[last : match.end()])
            last = match.end()
    return JOINER.join([*pieces, text[last:]])


def _kept_links(text: str, allowed: frozenset[str]) -> Iterator[tuple[int, int]]:
    return (match.span() for match in _CANONICAL.finditer(text) if match.group("url") in allowed)


def _kept_words(text: str, allowed: frozenset[str]) -> Iterator[tuple[int, int]]:
    for start, word in dotted(text):
        if word in allowed and ends(text, start + len(word)):
            yield start, start + len(word)


def _kept_bare(text: str, allowed: frozenset[str]) -> Iterator[tuple[int, int]]:
    for match in SCHEME.finditer(text):
        found, end = address(text, match.start(), allowed)
        if found and ends(text, end):
            yield match.start(), end
