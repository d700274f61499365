"""Titles for documents that do not say theirs, and the judgement whether a stated one is worth showing."""

import re
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

LONGEST = 120  # characters: what fits in one line of a source list
MADE_BY_PROGRAMS = re.compile(
    r"(?ix) ^(microsoft\s (word|powerpoint|excel)\s - | untitled | unbenannt | sans\s titre | powerpoint[ -]"
    r"| (document|presentation|title|slide)\s?\d*$ | [\d\W_]*$ | \(.*\)$)"
    r"| \.(docx?|pdf|indd|tex|dvi|rtf|odt|qxd|p65|pptx?|xlsx?|html?|txt)$"
)


def sensible(title: str) -> str:
    """Give back a stated title, or nothing if a program made it up ("Microsoft Word - memo.doc")."""
    title = " ".join(title.split())
    return "" if len(title) < 3 or len(title) > LONGEST or MADE_BY_PROGRAMS.search(title) else title


def title_from_name(name: str) -> str:
    """Make `refund-policy_v2.pdf`, or the URL that ends in it, into `Refund policy v2`."""
    path = urlsplit(name).path if "://" in name else name.replace("\\", "/")
    stem = PurePosixPath(unquote(path)).name
    stem = re.sub(r"\.[A-Za-z][A-Za-z0-9]{0,9}$", "", stem)
    words = " ".join(re.sub(r"[-_+.]+", " ", stem).split()) if " " not in stem else stem
    return words[:1].upper() + words[1:LONGEST]


def title_from_text(text: str) -> str:
    """Take the first line that has words, without its Markdown, cut at a word."""
    lines = (line.strip(" #*_>-|`~=\t") for line in text.splitlines())
    first = " ".join(next((line for line in lines if re.search(r"\w", line)), "").split())
    return first if len(first) <= LONGEST else first[:LONGEST].rsplit(" ", 1)[0] + "…"
