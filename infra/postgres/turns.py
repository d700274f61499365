"""Conversations in Postgres: the truth, bounded in time."""

from typing import Final

from psycopg import sql

from core.errors import InputError, UnknownError
from core.memory import KEEP_DAYS, TURNS, Kept
from core.messages import Question, Turn
from infra.postgres.documents import new_name, workspace_id
from infra.postgres.pool import Database
from infra.postgres.text import clean

_RECALL: Final = "select * from vocero.recall(%s, %s, %s, %s, %s)"
_REMEMBER: Final = "select vocero.remember(%s, %s, %s, %s, %s, %s, %s, %s, %s)"
_DAY: Final = 86_400.0
_HOLDS: Final = {
    "conversation": sql.SQL("conversation = %s"),
    "user": sql.SQL("person = %s"),
    "document": sql.SQL("%s = any (documents)"),
}


class PostgresTurns:
    """The table `turn`. Every method raises KnowledgeDown only."""

    def __init__(self, database: Database, *, days: float = KEEP_DAYS) -> None:
        """`days` that a turn is kept; what is older is not read, and the next upkeep deletes it."""
        self._database, self._seconds = database, days * _DAY

    async def read(self, question: Question) -> tuple[Kept, ...]:
        """Return the last turns of the question's conversation as its audience saw it, oldest first."""
        values = (question.workspace, clean(question.conversation), question.audience.fingerprint, self._seconds, TURNS)
        rows = await self._database.fetch(_RECALL, values)
        return tuple(Kept(Turn(who=who, text=text, meant=meant), user, tuple(d)) for who, text, meant, user, d in rows)

    async def add(self, question: Question, asked: Kept, answered: Kept) -> None:
        """Keep a question and its answer in one round trip; asked twice by a dying connection, they count once."""
        values = (
            *(question.workspace, new_name("t"), clean(question.conversation), question.audience.fingerprint),
            *(clean(asked.user), list(asked.documents)),
            *(clean(asked.turn.text), clean(asked.turn.meant), clean(answered.turn.text)),
        )
        await self._database.fetch(_REMEMBER, values)

    async def forget(self, workspace: str, **what: str) -> int:
        """Delete what one of `conversation`, `user`, `document` left; return how many turns went."""
        [(kind, name)] = [(kind, name) for kind, name in what.items() if name] or [("", "")]
        if kind not in _HOLDS:
            raise InputError("Name a conversation, a user or a document to be forgotten.")
        async with self._database.writing(workspace) as connection:
            try:
                number = await workspace_id(connection, workspace)
            except UnknownError:
                return 0
            statement = sql.SQL("delete from vocero.turn where workspace = %s and {}").format(_HOLDS[kind])
            return (await connection.execute(statement, (number, name))).rowcount
