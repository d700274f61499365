"""Plain text: taken as it is, since people write Markdown without knowing; source code goes into a fence."""

import re

from infra.knowledge.readers.detect import Kind
from infra.knowledge.readers.parsed import Parsed, Section

# Their `#` lines are comments, not headings.
CODE = {
    *(
        "py",
        "go",
        "js",
        "ts",
        "tsx",
        "jsx",
        "java",
        "c",
        "h",
        "cc",
        "cpp",
        "hpp",
        "cs",
        "rs",
        "rb",
        "php",
        "swift",
        "kt",
    ),
    *(
        "sh",
        "bash",
        "zsh",
        "ps1",
        "bat",
        "sql",
        "yaml",
        "yml",
        "toml",
        "ini",
        "cfg",
        "conf",
        "env",
        "tf",
        "lua",
        "pl",
        "r",
    ),
    *("css", "scss", "dockerfile", "makefile", "diff", "patch", "log"),
}
LONGEST_TITLE = 80  # characters: a first line alone in its paragraph and no longer than this is a title


def read(text: str, *, suffix: str = "") -> Parsed:
    """Read plain text; `suffix` is that of its file, which tells code from prose."""
    body = _fenced(text, suffix) if suffix in CODE else text
    title = "" if suffix in CODE else _title(text)
    return Parsed(title=title, media_type=Kind.TEXT, sections=(Section(anchor="", markdown=body),))


def _title(text: str) -> str:
    """Take the first line if it stands alone or underlined, and does not read like a sentence."""
    lines = text.replace("\r", "\n").lstrip("\n \ufeff").split("\n", 2)[:2]
    line = lines[0].strip(" #=*")
    alone = len(lines) > 1 and (not lines[1].strip() or re.fullmatch(r"[=\-~*]{3,}\s*", lines[1]) is not None)
    return line if alone and len(line) <= LONGEST_TITLE and not line.endswith((".", ",", ";", ":")) else ""


def _fenced(text: str, language: str) -> str:
    longest = max((len(run) for run in re.findall(r"`{3,}", text)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}{language}\n{text.strip()}\n{fence}"
