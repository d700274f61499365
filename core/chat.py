"""What a chat platform keeps beside the answers: what was shown for which message, who liked it, what is lacking."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from core.audience import Audience
from core.messages import Answer
from core.rooms import KEYS, Rooms, Settings

__all__ = ["KEYS", "Exchange", "Exchanges", "Gap", "Lessons", "Rooms", "Settings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cited:
    """What `[n]` of an answer pointed to."""

    n: int
    document: str
    chunk: str


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
    cited: tuple[Cited, ...] = ()
    created: datetime | None = None

    @property
    def name(self) -> str:
        """Return what buttons carry: known before anything is written, and no message can be read from it."""
        return "x" + hashlib.sha256(self.message.encode()).hexdigest()[:15]


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A question without an answer, and since when. `looked`: the editions it was last tried on, as one number."""

    question: str
    person: str
    conversation: str
    created: datetime
    id: int = 0
    workspace: str = ""
    scopes: tuple[str, ...] = ()
    looked: int = 0


class Turn(StrEnum):
    """Whose it is to do what only one process should."""

    OURS = "ours"
    WAIT = "wait"  # another one is at it
    DONE = "done"


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

    async def judge(self, workspace: str, name: str, person: str, *, good: bool, why: str = "") -> bool:
        """Keep a person's verdict with its reason, the last one counts; False for an unknown answer. KnowledgeDown."""
        ...

    async def escalate(self, workspace: str, name: str) -> bool:
        """Note that a human was called for an answer; False when one was before, or it is unknown. KnowledgeDown."""
        ...


class Lessons(Protocol):
    """Keeps what people can mend: gaps and examples."""

    async def gaps(self, workspace: str, scopes: Sequence[str], most: int) -> list[Gap]:
        """Return the oldest open questions that were asked within these scopes. KnowledgeDown."""
        ...

    async def ripe(self, platform: str, most: int) -> list[Gap]:
        """Return open questions of workspaces named so whose readers' documents changed since. KnowledgeDown."""
        ...

    async def looked(self, gap: Gap) -> None:
        """Note that a gap was tried on these editions. KnowledgeDown."""
        ...

    async def fill(self, workspace: str, gap: int, document: str) -> bool:
        """Note the document that answers it; False when it was filled or forgotten before. KnowledgeDown."""
        ...

    async def open(self, workspace: str, gap: int) -> bool:
        """Whether a gap is still there and open. KnowledgeDown."""
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
