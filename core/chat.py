"""What a chat platform keeps beside the answers: a room's settings, what was shown for which message, who liked it."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Final, Protocol

from core.audience import Audience
from core.errors import InputError
from core.messages import Answer

_YES: Final = {"on", "yes", "true", "1", "si", "sí"}
_NO: Final = {"off", "no", "false", "0"}
_LANGUAGES: Final = ("", "en", "es")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How the bot behaves in one room. What no one set has the default.

    `mentions`: answer only when mentioned; off: also follow-ups in threads the bot is part of. `threads`: answer in the
    thread, off: in the room. `quiet`: what the bot cannot answer is said to the asker alone. `language`: of the bot's
    own words, empty: the asker's.
    """

    mentions: bool = False
    threads: bool = True
    quiet: bool = False
    language: str = ""


KEYS: Final = tuple(field.name for field in fields(Settings))


def changed(settings: Settings, key: str, value: str) -> Settings:
    """Return the settings with one changed; InputError names the keys and values there are."""
    if key not in KEYS:
        raise InputError(f"There is no setting {key[:40]!r}: use {', '.join(KEYS)}.")
    word = value.casefold()
    if key == "language":
        word = "" if word in ("auto", "default") else word
        if word not in _LANGUAGES:
            raise InputError("The language is en, es or auto.")
        return replace(settings, language=word)
    if word not in _YES | _NO:
        raise InputError(f"Say settings {key} on, or settings {key} off.")
    on = word in _YES
    if key == "mentions":
        return replace(settings, mentions=on)
    return replace(settings, threads=on) if key == "threads" else replace(settings, quiet=on)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """A question's message and what was shown for it; ids only, no text.

    `message`: the platform's key of the question. `posts`: where the answer stands. `conversation`: its memory's key.
    """

    message: str
    conversation: str
    person: str
    posts: tuple[str, ...] = ()
    outcome: str = ""
    created: datetime | None = None

    @property
    def name(self) -> str:
        """Return what buttons carry: known before anything is written, and no message can be read from it."""
        return "x" + hashlib.sha256(self.message.encode()).hexdigest()[:15]


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A question without an answer, and since when."""

    question: str
    person: str
    conversation: str
    created: datetime


class Rooms(Protocol):
    """Keeps the settings."""

    async def settings(self, workspace: str, room: str) -> Settings:
        """Return a room's settings, all defaults when nothing was set or nothing can be read."""
        ...

    async def change(self, workspace: str, room: str, key: str, value: str, *, by: str) -> Settings:
        """Change one and return all. InputError, KnowledgeDown."""
        ...


class Exchanges(Protocol):
    """Keeps what was shown for which message."""

    async def show(self, workspace: str, exchange: Exchange) -> str:
        """Record an exchange, or what more was shown for it, and return its name. KnowledgeDown."""
        ...

    async def find(self, workspace: str, *, name: str = "", message: str = "") -> Exchange | None:
        """Return an exchange by its name or its question's message. KnowledgeDown."""
        ...

    async def joined(self, workspace: str, conversation: str) -> bool:
        """Whether the bot has said something in this conversation. KnowledgeDown."""
        ...

    async def recent(self, workspace: str, person: str, most: int) -> list[Exchange]:
        """Return a person's last exchanges, newest first. KnowledgeDown."""
        ...

    async def forget(self, workspace: str, *, message: str = "", conversation: str = "", person: str = "") -> int:
        """Delete exchanges with their feedback; return how many went. KnowledgeDown."""
        ...

    async def judge(self, workspace: str, name: str, person: str, *, good: bool) -> bool:
        """Keep a person's verdict, the last one counts; False when the answer is unknown. KnowledgeDown."""
        ...

    async def escalate(self, workspace: str, name: str) -> bool:
        """Note that a human was called for an answer; False when one was before, or it is unknown. KnowledgeDown."""
        ...


class Lessons(Protocol):
    """Keeps what people can mend: gaps and examples."""

    async def gaps(self, workspace: str, scopes: Sequence[str], most: int) -> list[Gap]:
        """Return the oldest open questions that were asked within these scopes. KnowledgeDown."""
        ...

    async def approve(
        self,
        workspace: str,
        question: str,
        answer: Answer,
        *,
        by: str,
        conversation: str,
        audience: Audience,
        private: bool,
        rejected: str = "",
    ) -> str:
        """Keep a question with its approved answer and passages as an example; return its name. KnowledgeDown.

        What was said in private is kept, and learned from only if a person agrees. `rejected`: what a better answer
        replaced; the two are a preference.
        """
        ...
