"""Markdown: kept as written, without front matter and comments, which a reader of the page does not see."""

import re
from collections.abc import Iterator
from itertools import pairwise

from infra.knowledge.readers.detect import Kind
from infra.knowledge.readers.parsed import Parsed, Section

FRONT = re.compile(r"\A\ufeff?---[ \t]*\r?\n(.*?)\r?\n(?:---|\.\.\.)[ \t]*(?:\r?\n|\Z)", re.DOTALL)
KEY = re.compile(r"^[A-Za-z_][\w -]*:", re.MULTILINE)
TITLE = re.compile(r"""^title:[ \t]*(?:"(.*)"|'(.*)'|(.*?))[ \t]*\r?$""", re.MULTILINE | re.IGNORECASE)
FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})")
HEADING = re.compile(r"^ {0,3}(#{1,6})[ \t]+(.*?)(?:[ \t]+#+)?[ \t]*$")
LONGEST = 300  # characters of a heading that are looked at
UNDERLINE = re.compile(r"^ {0,3}=+[ \t]*$")


def read(text: str) -> Parsed:
    """Read Markdown; its title is that of the front matter, else its first heading of the highest level."""
    front = FRONT.match(text)
    stated = ""
    if front and KEY.search(front.group(1)):  # else two rulers around a paragraph
        found = TITLE.search(front.group(1))
        stated = next(filter(None, found.groups()), "") if found else ""
        text = text[front.end() :]
    body = "".join(part if code else re.sub(r"(?s)<!--.*?(?:-->|\Z)", "", part) for code, part in _parts(text))
    sections = (Section(anchor="", markdown=body),)
    return Parsed(title=stated or _first_heading(body), media_type=Kind.MARKDOWN, sections=sections)


def _parts(text: str) -> Iterator[tuple[bool, str]]:
    """Cut into prose and fenced code, in order: (is code, text)."""
    fence, part = "", ""
    for line in text.splitlines(keepends=True):
        mark = FENCE.match(line)
        if not fence and mark:
            yield False, part
            fence, part = mark.group(1), line
        elif fence and mark and mark.group(1).startswith(fence) and not line.strip().strip(fence[0]):
            yield True, part + line
            fence, part = "", ""
        else:
            part += line
    yield bool(fence), part


def _first_heading(text: str) -> str:
    lines = [line[:LONGEST] for code, part in _parts(text) if not code for line in part.splitlines()]
    headings = [(len(found.group(1)), found.group(2)) for line in lines if (found := HEADING.match(line))]
    underlined = [(1, above) for above, line in pairwise(lines) if UNDERLINE.match(line) and above]
    every = [(level, _plain(title)) for level, title in (*headings, *underlined) if _plain(title)]
    return min(every, key=lambda entry: entry[0])[1] if every else ""


def _plain(title: str) -> str:
    """Take links and emphasis out of a heading."""
    title = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", title)
    return re.sub(r"<[^>]+>|[*`]|(?<!\w)_|_(?!\w)", "", title).strip()
