"""The durable log: ids and numbers, never text but the gap's question; forgotten on request; never in the way."""

import pytest

from core.documents import Place
from core.errors import KnowledgeDown
from core.messages import Answer, Citation, Outcome, Question, Timings
from infra.postgres.documents import open_place
from infra.postgres.journal import Journal
from infra.postgres.pool import Database
from tests.postgres import Urls

WORKSPACE = "slack/T7"
CITED = Citation(n=1, title="SECRET-TITLE", url="", document="d1", chunk="d1.1#0", text="SECRET-TEXT")
ANSWER = Answer(
    text="SECRET-ANSWER", outcome=Outcome.EXTRACTIVE, citations=(CITED,), timings=Timings(retrieve=0.1, total=0.2)
)


def question(user: str = "U1", conversation: str = "C1") -> Question:
    """Return a question of the workspace."""
    return Question(text="SECRET-QUESTION", workspace=WORKSPACE, user=user, conversation=conversation)


@pytest.fixture
async def journal(database: Database) -> Journal:
    """Return the journal of an existing workspace."""
    async with database.writing(WORKSPACE) as connection:
        await open_place(connection, Place(workspace=WORKSPACE))
    return Journal(database)


async def rows(database: Database, statement: str) -> list[tuple[object, ...]]:
    """Return what a statement finds in the workspace."""
    async with database.reading(WORKSPACE) as connection:
        return list(await (await connection.execute(statement.encode())).fetchall())


async def test_an_answer_is_recorded_without_a_word_of_it(journal: Journal, database: Database) -> None:
    """Outcome, citations and timings are there; question, answer, title and passage are not."""
    name = await journal.note(question(), ANSWER)
    [row] = await rows(database, f"select * from vocero.answer_log where name = '{name}'")
    assert "SECRET" not in repr(row)
    assert {"extractive", "U1", "C1", "['d1']", "['d1.1#0']"} <= {str(v) for v in row}
    [(timings,)] = await rows(database, f"select timings from vocero.answer_log where name = '{name}'")
    assert timings == {"retrieve": 0.1, "total": 0.2}


async def test_a_gap_keeps_its_question(journal: Journal, database: Database) -> None:
    """What could not be answered is kept word for word, with its audience."""
    await journal.gap(question(conversation="gaps"))
    assert await rows(database, "select question, scopes from vocero.gap where conversation = 'gaps'") == [
        ("SECRET-QUESTION", ["workspace"])
    ]


async def test_a_person_and_a_conversation_are_forgotten(journal: Journal, database: Database) -> None:
    """Each takes exactly its own rows, from the log and from the gaps, and says how many."""
    for user, conversation in (("U8", "C8"), ("U8", "C9"), ("U9", "C9")):
        await journal.note(question(user, conversation), ANSWER)
        await journal.gap(question(user, conversation))
    gone = dict(await journal.erase(WORKSPACE, user="U8"))
    assert (gone["answer records"], gone["gaps"]) == (2, 2)
    assert await journal.erase("slack/T8", conversation="C9") == ()
    gone = dict(await journal.erase(WORKSPACE, conversation="C9"))
    assert (gone["answer records"], gone["gaps"]) == (1, 1)
    assert await journal.erase(WORKSPACE) == ()
    left = await rows(database, "select person from vocero.answer_log union all select person from vocero.gap")
    assert not {("U8",), ("U9",)} & set(left)


async def test_an_answer_is_worth_more_than_its_record(postgres: Urls) -> None:
    """When the database is away, recording fails silently and forgetting loudly."""
    async with Database(postgres.application) as database:
        journal = Journal(database)
    assert await journal.note(question(), ANSWER) == ""
    await journal.gap(question())
    with pytest.raises(KnowledgeDown):
        await journal.erase(WORKSPACE, user="U1")
