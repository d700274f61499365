"""Documents as the product speaks of them: what is taught, what is known of it, and the proof that it is forgotten."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from core.audience import WORKSPACE

TITLE: Final = 60  # characters of a title made from a text's first words


class State(StrEnum):
    """Where a document is. `queued` and `running` always have a deadline, `failed` always a reason."""

    QUEUED = "queued"
    RUNNING = "running"
    INDEXED = "indexed"
    UNCHANGED = "unchanged"
    FAILED = "failed"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One thing to learn: exactly one of `url` or `content` (bytes as they came, with the name they came under).

    `name` is the identity of the source inside its collection: the same name again replaces the document.
    `media_type` is what the sender claimed (may be empty); readers trust the bytes first.
    """

    name: str
    url: str | None = None
    content: bytes | None = None
    media_type: str = ""
    title: str = ""


def to_pasted(text: str, title: str = "") -> Source:
    """Return a pasted text as a source: named by its title, or by its own digest and titled by its first words.

    So the same title replaces the text, and the same text is the same source.
    """
    content = text.encode("utf-8", "replace")
    name = title or hashlib.sha256(content).hexdigest()[:12]
    opening = " ".join(text.split("\n", 1)[0].lstrip("#").split()) or " ".join(text.split())
    if len(opening) > TITLE:
        opening = opening[:TITLE].rsplit(" ", 1)[0] + "…"
    return Source(name=f"text:{name}", content=content, media_type="text/markdown", title=title or opening)


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One message of a chat thread that is taught; `who` is a name to show."""

    who: str
    text: str
    when: datetime


def to_thread(said: Sequence[Said], *, conversation: str, title: str = "") -> Source:
    """Return a chat thread as a source named by its conversation: the same thread again replaces it."""
    lines = [f"**{one.who}** ({one.when:%Y-%m-%d}): {one.text.strip()}" for one in said if one.text.strip()]
    opening = to_pasted(said[0].text).title if said else ""
    return Source(
        name=f"thread:{conversation}",
        content="\n\n".join(lines).encode("utf-8", "replace"),
        media_type="text/markdown",
        title=title or opening,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where documents go: a collection of a workspace, with the one scope that may see it."""

    workspace: str
    collection: str = ""  # empty: `general` for the workspace, the scope's own name for a channel
    scope: str = WORKSPACE

    @property
    def name(self) -> str:
        """The collection's name, with the default filled in."""
        return self.collection or ("general" if self.scope == WORKSPACE else self.scope)


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Who wants to hear how it ended, and where. `key`: of the order, so that one given again is not told twice.

    `address`: JSON from which the platform's adapter finds the place again, without a word of what was said.
    """

    key: str
    person: str
    conversation: str
    address: Mapping[str, object]
    tongue: str = "en"


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """How the learning of one source ended or stands. `seconds`: wall time; `document`: empty if none was made."""

    document: str
    source: str
    state: State
    chunks: int = 0
    reason: str = ""
    seconds: float = 0.0
    title: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """What is known of a document."""

    id: str
    source: str
    title: str
    url: str
    collection: str
    scope: str
    state: State
    reason: str
    chunks: int
    revision: int
    media_type: str
    added_by: str
    created: datetime
    changed: datetime
    deadline: datetime | None = None
    stage: str = ""  # what is being done now, or waited for
    attempt: int = 0  # learnings begun, ever


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """A stored piece of a document, in reading order."""

    id: str
    text: str
    path: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What a forgetting did: `gone` counts per kind, `pending` with a date or condition, `unprovable` said plainly.

    `probes`: questions by their digest, with how many passages of it each found before and after. `wiped`: when the
    bytes had left the database's files.
    """

    kind: str
    id: str
    workspace: str
    when: datetime
    gone: tuple[tuple[str, int], ...]
    pending: tuple[str, ...] = ()
    unprovable: tuple[str, ...] = ()
    probes: tuple[tuple[str, int, int], ...] = ()
    wiped: datetime | None = None
