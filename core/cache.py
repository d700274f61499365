"""The key of an answer: everything that could change it, so that an edit or a new voice retires it. Pure."""

import hashlib
import json
import unicodedata
from pathlib import Path
from typing import Final

from core.messages import Arm, Question
from core.ports import Shelf

# whatever shapes an answer is in this folder: a new release retires what an older one kept
_SHAPED_BY: Final = [p for p in sorted(Path(__file__).parent.rglob("*")) if p.suffix in (".py", ".md", ".txt")]
VERSION: Final = hashlib.sha256(b"".join(path.read_bytes() for path in _SHAPED_BY)).hexdigest()[:12]
KEEP: Final = 7 * 24 * 3600.0  # seconds; an edition retires an answer long before, this bounds what Redis holds
KEEP_UNKNOWN: Final = 600.0  # "I don't know" lives short: what was missing may come by a way no edition shows


def normal(text: str) -> str:
    """Return a question's form under which it counts as the same one: case, width, spacing and last stop folded."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split()).rstrip(" ?!.¿¡")


def to_key(question: Question, standalone: str, shelf: Shelf, arm: Arm, adapter: str | None, model: str | None) -> str:
    """Return 64 hex digits; equal only where workspace, audience, editions, voice, prompt and question are.

    `standalone`: the question as it is understood, a wording a line.
    """
    parts = [
        *(question.workspace, question.audience.fingerprint, shelf.editions),
        *(arm, adapter, model, VERSION, *map(normal, standalone.split("\n"))),
    ]
    return hashlib.sha256(json.dumps(parts, ensure_ascii=True).encode()).hexdigest()
