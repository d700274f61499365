"""Makes text that a model wrote safe to post. Rule: an address stays only if it stands word for word in what was read.

The model is taken to be turned by a document. It must then not be able to mint an address that carries data out, to
fetch an image, to ping a channel, or to hide words. Two steps, so that doing it twice changes nothing: `_plain`
rewrites into one canonical form until nothing changes, `to_broken` then breaks by insertion whatever is left.
"""

import re
from collections.abc import Iterable

from core.markdown.blocks import Block, Kind, scan
from core.markdown.breaks import to_broken
from core.markdown.links import REMOVED, SCHEME, address, to_allowed
from core.markdown.visible import to_visible

_ROUNDS = 8  # nested links are undone one level a round; deeper ones lose their brackets
_LANGUAGE = re.compile(r"[A-Za-z0-9_+#-]{0,20}")
_SLACK_LINK = re.compile(r"<([a-z][a-z0-9+.-]{0,30}://[^\s<>|]+)\|([^<>\n]*)>", re.IGNORECASE)
_AUTOLINK = re.compile(r"<([a-z][a-z0-9+.-]{0,30}://[^\s<>]*)>", re.IGNORECASE)
_DESTINATION = r"<[^<>\n]*>|[^\s()<>]*(?:\([^\s()<>]*\)[^\s()<>]*)*"
_TITLE = r"(?:\s+(?:\"[^\"\n]{0,200}\"|'[^'\n]{0,200}'|\([^()\n]{0,200}\)))?"
_LINK = re.compile(rf"(!?)\[([^\[\]\n]{{0,300}})\]\([ \t]*({_DESTINATION}){_TITLE}[ \t]*\)")
_DEFINITION = re.compile(
    r"(?m)^(?:[ \t>]|[-*+][ \t])*\[[^\[\]\n]+\]:[ \t]*<?([^\s<>]+)>?(?:[ \t]+[\"'(][^\n]*)?[ \t]*\n?"
)
_LIVE = re.compile(r"[:/.#?@\\]")
_RUNS = re.compile(r"`{3,}|~{3,}")


def defuse(text: str, allowed_urls: Iterable[str] = ()) -> str:
    """Return Markdown in which only allowed addresses are live, each as `<address>` or `[label](<address>)`.

    `allowed_urls` are the addresses of the citations and all that `links` finds in the passages shown; e-mails and
    dotted names among them stay whole too. Other addresses become "(link removed)", links their label, images their
    description; reference definitions go; bare domains, mentions, tags and entities are broken by word joiners.
    Code blocks keep their text, in plain fences. Idempotent. Give it the whole text so far, not a piece of it: a fence
    that is open is closed at the end.
    """
    allowed = to_allowed(allowed_urls)
    return to_broken(_settled(text, allowed), allowed)


def _settled(text: str, allowed: frozenset[str]) -> str:
    for _ in range(_ROUNDS):
        plain = _plain(text, allowed)
        if plain == text:
            return text
        text = plain
    text = re.sub(r"[\[\]<>`~]", "", text)
    return _plain(_plain(text, allowed), allowed)


def _plain(text: str, allowed: frozenset[str]) -> str:
    blocks = (_code(block) if block.kind is Kind.CODE else _prose(block, allowed) for block in scan(to_visible(text)))
    return "\n".join(block for block in blocks if block is not None)


def _code(block: Block) -> str | None:
    """Return a code block as every client reads it alike: three backticks at the margin, none inside, never empty."""
    lines = [line[_margin(line, len(block.indent)) :] for line in block.lines]
    language = block.info if _LANGUAGE.fullmatch(block.info) else ""
    body = "\n".join(lines if language == block.info else [block.info, *lines])
    body = re.sub("`{3,}", lambda run: "ˋ" * len(run.group()), body)
    return f"```{language}\n{body}\n```" if body.strip() else None


def _margin(line: str, most: int) -> int:
    return min(most, len(line) - len(line.lstrip(" \t")))


def _prose(block: Block, allowed: frozenset[str]) -> str:
    text = _RUNS.sub(lambda run: run.group()[0] * (1 if run.group()[0] == "`" else 2), "\n".join(block.lines))
    text = _SLACK_LINK.sub(r"[\2](<\1>)", text)
    text = _DEFINITION.sub(lambda found: _definition(found, allowed), text)
    for _ in range(_ROUNDS):
        text = _LINK.sub(lambda found: _link(found, allowed), text)
    text = _AUTOLINK.sub(lambda found: found.group() if found.group(1) in allowed else found.group(1), text)
    return _addresses(text, allowed)


def _definition(found: re.Match[str], allowed: frozenset[str]) -> str:
    return "" if _LIVE.search(found.group(1)) and found.group(1) not in allowed else found.group()


def _link(found: re.Match[str], allowed: frozenset[str]) -> str:
    image, label, target = found.group(1), found.group(2).strip(), found.group(3).strip("<>")
    if image:
        return label
    if target in allowed and SCHEME.match(target):
        named = "" if label.strip("<>") == target else _addresses(label, frozenset())
        return f"[{named}](<{target}>)" if named else f"<{target}>"
    if not _LIVE.search(target):
        return found.group()  # `list[i](x)`: no address, and broken by the second step
    return label or REMOVED


def _addresses(text: str, allowed: frozenset[str]) -> str:
    pieces, last = [], 0
    while found := SCHEME.search(text, last):
        start = found.start()
        kept, end = address(text, start, allowed)
        end = max(end, found.end())
        framed = text[start - 1 : start] == "<" and text[end : end + 1] == ">"
        pieces += [text[last:start], (kept if framed else f"<{kept}>") if kept else REMOVED]
        last = end
    return "".join([*pieces, text[last:]])
