"""Brand texts as examples: a folder's Markdown and plain text, each paragraph an answer that shows a manner."""

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from core.errors import InputError
from core.examples import Example
from core.words import STOP, language, sentences, words

ENDINGS: Final = (".md", ".markdown", ".txt")
SHORTEST: Final = 60  # characters; less is a caption
LONGEST: Final = 900  # characters; more is no answer in a chat: whole sentences up to there
NAMED: Final = 3  # of a paragraph's words stand in its question, so that two paragraphs are two questions
ASKING: Final = {"en": "Tell me about {topic}.", "es": "Cuéntame sobre {topic}."}
_HEAD = re.compile(r"^#{1,6}\s+(.+?)\s*#*$")
_STRUCTURED = re.compile(r"^\s*(?:[-*+•|>]|\d{1,3}[.)]\s|```|~~~|<)")
_MARKS = re.compile(r"!\[[^\]]*\]\([^)]*\)|(?<=\])\([^)]*\)|[*_`\[\]]")


def read_texts(folder: Path) -> tuple[Example, ...]:
    """Read a folder's texts. InputError when there are none, naming what is read."""
    files = sorted(p for p in folder.rglob("*") if p.suffix.lower() in ENDINGS and p.is_file())
    examples = tuple(example for file in files for example in _file(file, file.relative_to(folder).as_posix()))
    if not examples:
        raise InputError(
            f"{folder} holds no text to learn a manner from: put paragraphs of at least {SHORTEST} characters into "
            f"files that end in {', '.join(ENDINGS)}."
        )
    return examples


def _file(file: Path, name: str) -> Iterator[Example]:
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{file} is not UTF-8 text: save it so, or move it away.") from error
    except OSError as error:
        raise InputError(f"{file} cannot be read ({error.strerror}): mend that, or move it away.") from error
    digest = hashlib.sha256(text.encode()).hexdigest()[:8]
    topic, fenced = re.sub(r"[-_]+", " ", file.stem), False
    for n, block in enumerate(re.split(r"\n\s*\n", text), 1):
        head = _HEAD.match(block.strip().split("\n")[0])
        if head:
            topic, block = head[1], block.strip().partition("\n")[2]  # noqa: PLW2901 - what follows its heading
        if block.count("```") % 2:
            fenced = not fenced
        elif not fenced and (said := _said(block)):
            question = ASKING[language(said)].format(topic=f"{topic} ({_subject(said)})")
            # one file is one source: its paragraphs may not stand on both sides of the split
            yield Example(id=f"{name}@{digest}:{n}", question=question, answer=said, source=f"{name}@{digest}")


def _said(block: str) -> str:
    """Return a paragraph's prose, empty for lists, tables, code and captions."""
    if _STRUCTURED.match(block):
        return ""
    text = " ".join(_MARKS.sub("", block).split())
    kept = ""
    for sentence in sentences(text):
        if len(kept) + len(sentence) > LONGEST:
            break
        kept = f"{kept} {sentence}".strip()
    return kept if len(kept) >= SHORTEST else ""


def _subject(text: str) -> str:
    """Return a paragraph's longest words of meaning, in its own order."""
    stop = STOP["en"] | STOP["es"]
    found = list(dict.fromkeys(w for w in words(text) if w.casefold() not in stop and w.isalpha()))
    longest = sorted(found, key=lambda w: (-len(w), w))[:NAMED]
    return ", ".join(w for w in found if w in longest)
