"""What the bot asks of the world, on one page. Each Protocol is named by what it does for the product.

Every method may raise a `BotError` of the kind its docstring names and nothing else; foreign errors are translated
where they arise. `infra` implements them; `bots/wiring.py` joins them.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from core.audience import Audience
from core.bar import Bar
from core.documents import Chunk, Document, Learned, Notice, Place, Receipt, Source
from core.messages import Answer, Arm, Passage, Question, Turn
from core.prompt import Prompt


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """What an audience may read: its collections as sorted `(name, edition)`, and how many chunks they hold."""

    editions: tuple[tuple[str, int], ...]
    chunks: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The outcome of one search: passages best first; `degraded` says why words alone were searched, else empty."""

    passages: tuple[Passage, ...]
    degraded: str = ""


class Knowledge(Protocol):
    """Finds passages. Never answers without workspace and audience."""

    async def shelf(self, workspace: str, audience: Audience) -> Shelf:
        """Return what may be read. UnknownError for an unknown workspace, KnowledgeDown."""
        ...

    async def retrieve(
        self, query: str, *, workspace: str, audience: Audience, limit: int, mode: str = "hybrid"
    ) -> Found:
        """Return at most `limit` passages, best first; modes: hybrid, dense, lexical. UnknownError, KnowledgeDown."""
        ...


class Librarian(Protocol):
    """Keeps the documents."""

    async def learn(
        self, source: Source, place: Place, *, by: str = "", force: bool = False, allow_secrets: bool = False
    ) -> Learned:
        """Fetch, read, split, embed and replace in one transaction; a failure is a state with a reason, not an error.

        `force` reads again even what has the same bytes. KnowledgeDown when nothing could be recorded.
        """
        ...

    async def submit(
        self, source: Source, place: Place, *, by: str = "", force: bool = False, allow_secrets: bool = False
    ) -> Learned:
        """Leave the learning to a worker and return at once, `queued` or `unchanged`. KnowledgeDown."""
        ...

    async def submit_all(
        self, sources: Sequence[Source], place: Place, *, by: str = "", depth: int = 0, notice: Notice | None = None
    ) -> list[Learned]:
        """Leave several to a worker, all or none; who is to be noticed hears how they ended. KnowledgeDown.

        `depth`: of links to follow from an address.
        """
        ...

    def crawl(
        self, url: str, place: Place, *, depth: int, by: str = "", force: bool = False, allow_secrets: bool = False
    ) -> AsyncIterator[Learned]:
        """Learn the pages of a site below an address and yield how each ended. InputError, KnowledgeDown."""
        ...

    async def worker_lives(self) -> bool:
        """Whether a worker is there to take what is submitted. KnowledgeDown."""
        ...

    async def refresh(self, workspace: str, document: str, *, by: str = "") -> Learned:
        """Fetch a document again, if the site says that it changed. RefusedError if it has no address, UnknownError."""
        ...

    async def undo(self, workspace: str, document: str = "", *, by: str = "") -> Learned:
        """Take back the last change of a document, or of all of them. InputError if there is none, UnknownError."""
        ...

    async def share(self, workspace: str, document: str, scope: str, *, by: str = "", collection: str = "") -> Document:
        """Move a document to the readers of another scope. InputError, UnknownError, KnowledgeDown."""
        ...

    async def prefer(self, place: Place, *, by: str = "") -> None:
        """Let documents of the place's scope go to its collection when none is named. InputError, KnowledgeDown."""
        ...

    async def note_refusal(self, workspace: str, action: str, *, by: str) -> None:
        """Keep in the audit that someone was refused; nothing for an unknown workspace. KnowledgeDown."""
        ...

    async def documents(self, workspace: str, audience: Audience | None = None) -> list[Document]:
        """Return all documents (None: whoever may see them), newest change first. UnknownError, KnowledgeDown."""
        ...

    async def document(self, workspace: str, document: str) -> tuple[Document, list[Chunk]]:
        """Return one document by id, title or source, with its chunks. UnknownError, KnowledgeDown."""
        ...

    async def remove(self, workspace: str, document: str, *, by: str = "") -> Document:
        """Take a document out of every answer; it can be learned again. UnknownError, KnowledgeDown."""
        ...

    async def forget(self, workspace: str, document: str, *, by: str = "") -> Receipt:
        """Delete a document and all that came from it; a tombstone keeps it away. UnknownError, KnowledgeDown."""
        ...


class Embedder(Protocol):
    """Turns texts into unit vectors."""

    @property
    def name(self) -> str:
        """The model's name with its revision; vectors of two names never meet."""
        ...

    @property
    def dimensions(self) -> int:
        """The length of every vector."""
        ...

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """Return one unit vector a text, in order. EmbedderDown."""
        ...


class Speaker(Protocol):
    """Writes an answer, token by token."""

    @property
    def name(self) -> str:
        """The served model's name."""
        ...

    def speak(
        self, prompt: Prompt, *, adapter: str | None = None, max_tokens: int
    ) -> AbstractAsyncContextManager[AsyncIterator[str]]:
        """Open a stream of text deltas; leaving the block cancels the generation at the server. ModelDown."""
        ...


class Memory(Protocol):
    """Keeps conversations, apart for each audience."""

    async def recall(self, question: Question) -> tuple[Turn, ...]:
        """Return the last turns of the question's conversation, oldest first, perhaps behind a `summary` of the rest.

        UnavailableError when they cannot be read; an unknown conversation is an empty one.
        """
        ...

    async def remember(self, question: Question, answer: Answer) -> None:
        """Add both turns, findable by user and by the documents cited; silently nothing when unreachable."""
        ...

    async def forget(self, workspace: str, *, conversation: str = "", user: str = "", document: str = "") -> int:
        """Delete a conversation, or all of a user's, or the turns that cite a document; return how many turns went.

        UnavailableError when it cannot be known whether they went.
        """
        ...


class AnswerCache(Protocol):
    """Keeps answers under keys that carry audience and editions; fails open."""

    async def find(self, workspace: str, key: str) -> Answer | None:
        """Return the answer under this key, None when absent or unreachable."""
        ...

    async def keep(self, workspace: str, key: str, answer: Answer, *, seconds: float) -> None:
        """Store an answer for so many seconds, so that `purge` finds it by the documents it cites."""
        ...

    async def purge(self, workspace: str, document: str) -> int:
        """Delete what cites this document; return how many answers went. UnavailableError when that cannot be known."""
        ...


class Journal(Protocol):
    """The durable log: outcomes and gaps. Ids and numbers, never text, but for the gap's question."""

    async def note(self, question: Question, answer: Answer) -> str:
        """Record how a question ended; return the answer's id, empty when it could not be recorded."""
        ...

    async def gap(self, question: Question) -> None:
        """Keep a question that the bot could not answer until someone fills it; silently nothing when unreachable."""
        ...

    async def erase(self, workspace: str, *, conversation: str = "", user: str = "") -> tuple[tuple[str, int], ...]:
        """Delete what a conversation or a user left; return how many rows of each kind went. KnowledgeDown."""
        ...

    async def file(self, receipt: Receipt) -> None:
        """Keep the receipt of a forgetting beside its date; silently nothing when unreachable."""
        ...


class Bars(Protocol):
    """Knows how sure the bot must be before it answers in a workspace."""

    async def bar(self, workspace: str) -> Bar:
        """Return the workspace's bar, the default where none was measured or none can be read."""
        ...


class Voices(Protocol):
    """Knows which adapter is live for a workspace."""

    async def live(self, workspace: str) -> tuple[Arm, str | None]:
        """Return the best arm that is live and its adapter's name: `(rag, None)` where none was promoted."""
        ...

    def stems(self, adapter: str | None) -> frozenset[str]:
        """Return the stems that this voice's own phrases bring along: to the guard they count neither way."""
        ...
