"""What people and models wrote, taken apart into blocks and spans, so that a page can be built of elements. Pure.

The few marks of Markdown that answers and passages use; everything else is text. No HTML is read and none is written,
and only http(s) addresses become links.
"""

import re
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import urlsplit

WRAPPED: Final = 60  # characters; after a longer line a single line break is the editor's, not the author's
_HEAD = re.compile(r"#{1,6}\s")
_ITEM = re.compile(r"([-*+•]|\d{1,3}[.)])\s+")
_SPAN = re.compile(
    r"(?P<code>`+)(?P<coded>.+?)(?P=code)(?!`)"
    r"|!?\[(?P<label>[^\[\]\n]{1,500})\]\(<?(?P<target>[^()<>\s]{1,2000})>?(?:[ ][^()\n]{0,200})?\)"
    r"|\[(?P<marker>\d{1,3}(?:\s*[,;]\s*\d{1,3})*)\]"
    r"|(?P<url>https?://[^\s<>\"'`\[\]{}|\\^]{1,2000})"
    r"|(?P<strong>\*\*|__)(?=\S)(?P<bold>[^\n]{1,2000}?)(?<=\S)(?P=strong)"
    r"|(?<![\w*])(?P<slope>[*_])(?=[^\s*_])(?P<italic>[^\n*_]{1,2000}?)(?<=\S)(?P=slope)(?![\w*])"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A paragraph (`p`), heading (`h`), list item (`li`), code (`code`), or table row (`head`, `row`, with `cells`)."""

    kind: str
    text: str
    bullet: str = ""
    cells: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A piece of a line: `text`, `strong`, `em`, `code`, `link` (with `target`) or `cite` (the text is a number)."""

    kind: str
    text: str
    target: str = ""


def to_link(url: str) -> str:
    """Return an address that may stand behind a link, or an empty text: http(s) only, with a host, without a login."""
    if not url.isprintable() or any(c.isspace() for c in url):
        return ""
    try:
        parts = urlsplit(url)
        named = parts.hostname and "@" not in parts.netloc
    except ValueError:
        return ""
    return url if parts.scheme in ("http", "https") and named else ""


def host(url: str) -> str:
    """Return the host that a link leads to."""
    return urlsplit(url).hostname or url


def blocks(text: str) -> list[Block]:
    """Return a text's blocks in reading order."""
    found: list[Block] = []
    fenced, apart, before = False, True, ""
    for line in text.replace("\r\n", "\n").split("\n"):
        block = _line(line)
        if block.kind == "code" and not fenced:
            found.append(block)
        elif fenced and block.kind != "code":
            code = found[-1].text
            found[-1] = replace(found[-1], text=f"{code}\n{line}" if code else line)
        elif block.kind == "rule" and before.strip() and found and found[-1].kind == "row":
            found[-1] = replace(found[-1], kind="head")
        elif block.kind == "p" and not apart and (found[-1].kind == "p" or line.startswith(" ")):
            joint = " " if len(before) > WRAPPED or found[-1].kind == "li" else "\n"
            found[-1] = replace(found[-1], text=f"{found[-1].text}{joint}{block.text}")
        elif block.text:
            found.append(block)
        fenced ^= block.kind == "code"
        apart, before = block.kind not in ("p", "li") or not block.text, line
    return [block for block in found if block.text]


def _line(line: str) -> Block:
    stripped = line.strip()
    if stripped.startswith(("```", "~~~")):
        return Block(kind="code", text="")
    if _HEAD.match(stripped):
        return Block(kind="h", text=stripped.strip("#").strip())
    if len(stripped) > 2 and (set(stripped) <= set("|:- ") or len(set(stripped.replace(" ", ""))) == 1):
        return Block(kind="rule", text="") if stripped[0] in "|:-*_" else Block(kind="p", text=stripped)
    if stripped.startswith("|") and stripped.count("|") > 1:
        cells = tuple(c.strip() for c in stripped.strip("|").split("|"))
        return Block(kind="row", text=" ".join(cells), cells=cells)
    if item := _ITEM.match(stripped):
        bullet = item[1] if item[1][0].isdigit() else ""
        return Block(kind="li", text=stripped[item.end() :], bullet=bullet)
    return Block(kind="p", text=stripped.removeprefix("> "))


def spans(text: str) -> list[Span]:
    """Return a line's spans in order; the text of all of them is all that is read."""
    found: list[Span] = []
    at = 0
    for match in _SPAN.finditer(text):
        if match.start() > at:
            found.append(Span(kind="text", text=text[at : match.start()]))
        found += _spans(match)
        at = match.end()
    if at < len(text):
        found.append(Span(kind="text", text=text[at:]))
    return found


def _spans(match: re.Match[str]) -> list[Span]:
    if match["coded"]:
        return [Span(kind="code", text=match["coded"].strip() or match["coded"])]
    if match["label"]:
        link = to_link(match["target"])
        if link and not match[0].startswith("!"):
            return [Span(kind="link", text=match["label"], target=link)]
        return [Span(kind="text", text=match["label"])]  # an image is its description: nothing is fetched
    if match["marker"]:
        return [Span(kind="cite", text=n) for n in re.split(r"\s*[,;]\s*", match["marker"])]
    if match["url"]:
        bare = match["url"].rstrip(".,;:!?)")
        rest = [Span(kind="text", text=match["url"][len(bare) :])] if bare != match["url"] else []
        link = to_link(bare)
        return [Span(kind="link" if link else "text", text=bare, target=link), *rest]
    if match["bold"]:
        return [Span(kind="strong", text=match["bold"])]
    return [Span(kind="em", text=match["italic"])]
