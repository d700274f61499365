"""The port `Memory`: Postgres is the truth, Redis a copy that saves asking it."""

import structlog

from core.errors import BotError
from core.memory import CHARACTERS, Kept, window
from core.messages import Answer, Question, Turn
from infra.postgres.turns import PostgresTurns
from infra.redis.turns import RedisTurns

log = structlog.get_logger()


class Conversations:
    """Remembers conversations, apart for each audience. `copies` None: there is no Redis."""

    def __init__(self, turns: PostgresTurns, copies: RedisTurns | None = None) -> None:
        self._turns, self._copies = turns, copies

    async def recall(self, question: Question) -> tuple[Turn, ...]:
        """Return a summary of what lies back, and the last turns. KnowledgeDown when neither can be read."""
        if not question.conversation:
            return ()
        copy = await self._copies.read(question) if self._copies else None
        kept = copy.turns if copy else ()
        if not kept:
            kept = await self._turns.read(question)
            if kept and self._copies and copy and copy.marks is not None:
                await self._copies.fill(question, kept, copy.marks)
        return window([one.turn for one in kept])

    async def remember(self, question: Question, answer: Answer) -> None:
        """Add both turns, to the truth first: a copy never holds what forgetting would not find."""
        if not question.conversation:
            return
        documents = tuple(sorted({c.document for c in (*answer.citations, *answer.nearest)}))
        asked = Turn(who="user", text=question.text[:CHARACTERS], meant=(answer.understood or "")[:CHARACTERS])
        said = Turn(who="bot", text=answer.text[:CHARACTERS])
        both = [Kept(turn, question.user, documents) for turn in (asked, said)]
        try:
            await self._turns.add(question, *both)
        except BotError as error:
            log.warning("turn_not_kept", error=type(error).__name__)
            return
        if self._copies:
            await self._copies.add(question, both)

    async def forget(self, workspace: str, *, conversation: str = "", user: str = "", document: str = "") -> int:
        """Delete turns, then every copy of them; return how many turns went. UnavailableError."""
        what = {"conversation": conversation, "user": user, "document": document}
        gone = await self._turns.forget(workspace, **what)
        if self._copies:
            await self._copies.forget(workspace, **what)
        return gone


class NoMemory:
    """With no days to keep anything: every question stands alone."""

    async def recall(self, question: Question) -> tuple[Turn, ...]:  # noqa: ARG002
        """Return no turns."""
        return ()

    async def remember(self, question: Question, answer: Answer) -> None:
        """Keep nothing."""

    async def forget(self, workspace: str, *, conversation: str = "", user: str = "", document: str = "") -> int:  # noqa: ARG002
        """Return 0."""
        return 0
