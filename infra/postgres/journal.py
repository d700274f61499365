"""The durable log: outcomes by ids and numbers, and the questions that found no answer."""

import dataclasses
import json

import structlog

from core.documents import Receipt
from core.errors import BotError, UnknownError
from core.messages import Answer, Question
from infra.postgres import receipts
from infra.postgres.documents import new_name, workspace_id
from infra.postgres.forgetting import erase_conversation, erase_person
from infra.postgres.pool import Database
from infra.postgres.text import clean

log = structlog.get_logger()


class Journal:
    """The port `Journal`; fails open, since an answer is worth more than its record."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def note(self, question: Question, answer: Answer) -> str:
        """Record how a question ended; return the answer's id, empty when it could not be recorded."""
        name = new_name("a")
        timings = {key: value for key, value in dataclasses.asdict(answer.timings).items() if value is not None}
        try:
            async with self._database.writing(question.workspace) as connection:
                cursor = await connection.execute(
                    """
                    insert into vocero.answer_log (workspace, name, person, conversation, outcome, arm, mode, model,
                        adapter, cached, language, documents, chunks, timings)
                    select id, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s
                    from vocero.workspace where name = %s returning 1
                    """,
                    (
                        name,
                        question.user,
                        question.conversation,
                        answer.outcome.value,
                        answer.arm.value,
                        answer.mode.value,
                        answer.model,
                        answer.adapter,
                        answer.cached,
                        answer.language,
                        sorted({citation.document for citation in answer.citations}),
                        [citation.chunk for citation in answer.citations],
                        json.dumps(timings),
                        question.workspace,
                    ),
                )
                return name if cursor.rowcount else ""
        except BotError as error:
            log.warning("answer not recorded", error=type(error).__name__)
            return ""

    async def gap(self, question: Question) -> None:
        """Keep a question that the bot could not answer until someone fills it."""
        values = (sorted(question.audience.scopes), question.user, question.conversation, clean(question.text))
        same = (question.workspace, question.user, question.conversation, clean(question.text))
        try:
            async with self._database.writing(question.workspace) as connection:
                await connection.execute(
                    "insert into vocero.gap (workspace, scopes, person, conversation, question)"
                    " select id, %s, %s, %s, %s from vocero.workspace w where name = %s and not exists (select from"
                    " vocero.gap g where g.workspace = w.id and (g.person, g.conversation, g.question) = (%s, %s, %s)"
                    " and g.filled_by is null)",
                    (*values, *same),
                )
        except BotError as error:
            log.warning("gap not recorded", error=type(error).__name__)

    async def erase(self, workspace: str, *, conversation: str = "", user: str = "") -> tuple[tuple[str, int], ...]:
        """Delete what a conversation or a user left; return how many rows of each kind went. KnowledgeDown."""
        async with self._database.writing(workspace) as connection:
            try:
                number = await workspace_id(connection, workspace)
            except UnknownError:
                return ()
            if conversation:
                await receipts.open_one(connection, number, "conversation", conversation)
                return await erase_conversation(connection, number, conversation)
            if not user:
                return ()
            await receipts.open_one(connection, number, "user", user)
            return await erase_person(connection, number, user)

    async def file(self, receipt: Receipt) -> None:
        """Keep the receipt of a forgetting beside its date."""
        try:
            async with self._database.writing(receipt.workspace) as connection:
                await receipts.file(connection, receipt)
        except BotError as error:
            log.warning("receipt not kept", error=type(error).__name__)
