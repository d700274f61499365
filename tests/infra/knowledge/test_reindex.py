"""Another embedding model: a second table is filled while the first answers, then each workspace changes over."""

import asyncio
from collections.abc import Sequence

import pytest

from core.audience import EVERYONE
from core.documents import State
from core.errors import EmbedderDown, UnknownError
from infra.knowledge.reindex import reindex
from infra.postgres.pool import Database
from tests.infra.knowledge.teaching import Company, WordEmbedder, to_vector

pytestmark = pytest.mark.slow


@pytest.fixture
def company(database: Database) -> Company:
    """A workspace of its own for each test."""
    return Company(database)


class Other(WordEmbedder):
    """Another model, of another length; `pause` seconds a batch."""

    def __init__(self, name: str = "others@2", pause: float = 0.0) -> None:
        super().__init__(name=name, dimensions=96)
        self.pause = pause

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        if self.error:
            raise self.error
        await asyncio.sleep(self.pause)
        self.embedded += len(texts)
        return [to_vector(f"{text} other", 96) for text in texts]


async def teach_many(company: Company, count: int) -> None:
    text = "\n\n".join(f"# Part {n}\n\nfact number{n}" for n in range(count))
    await company.teach("many.md", text)


async def dense(company: Company, query: str = "number3") -> tuple[list[str], str]:
    found = await company.engine.retrieve(query, workspace=company.workspace, audience=EVERYONE, limit=3, mode="hybrid")
    return [passage.text for passage in found.passages], found.degraded


async def test_answers_go_on_while_everything_is_embedded_anew_and_after(company: Company) -> None:
    """Reads with the old model never degrade, before, during and after; the new one finds at once."""
    await teach_many(company, 150)
    other, done, degraded, reads = Other(pause=0.05), asyncio.Event(), [], 0

    async def read_on() -> None:
        nonlocal reads
        while not done.is_set():
            texts, said = await dense(company)
            degraded.extend([said] if said or "fact number3" not in texts else [])
            reads += 1

    reader = asyncio.create_task(read_on())
    told: list[int] = []
    changed = await reindex(
        company.database, other, workspace=company.workspace, tell=lambda _, left: told.append(left)
    )
    await asyncio.sleep(0.1)
    done.set()
    await reader
    assert changed == [company.workspace]
    assert told[0] == 150
    assert told[-1] == 0
    assert reads > 3
    assert degraded == []
    renewed = Company(company.database, embedder=other, workspace=company.workspace)
    texts, said = await dense(renewed)
    assert ("fact number3" in texts, said) == (True, "")
    assert (await renewed.teach("new.md", "A new fact.")).state is State.INDEXED
    assert (await company.teach("old.md", "An old fact.")).state is State.FAILED


async def test_what_is_learned_meanwhile_is_not_missed(company: Company) -> None:
    """A document that comes while the table is filled has its vectors when the change comes."""
    await teach_many(company, 100)
    other = Other(pause=0.2)
    changing = asyncio.create_task(reindex(company.database, other, workspace=company.workspace))
    await asyncio.sleep(0.1)
    await company.teach("late.md", "The late heron.")
    await changing
    renewed = Company(company.database, embedder=other, workspace=company.workspace)
    found = await renewed.engine.retrieve(
        "late heron", workspace=company.workspace, audience=EVERYONE, limit=1, mode="dense"
    )
    assert [passage.text for passage in found.passages] == ["The late heron."]


async def test_an_interrupted_reindex_changes_nothing_and_goes_on(company: Company) -> None:
    """With the embedder gone in the middle, the old model answers; the next try embeds only the rest."""
    await teach_many(company, 100)
    other = Other()
    calls = 0

    def tell(_: str, left: int) -> None:
        nonlocal calls
        calls += 1
        other.error = EmbedderDown("The embedder is away: try again.") if calls == 2 else None

    with pytest.raises(EmbedderDown):
        await reindex(company.database, other, workspace=company.workspace, tell=tell)
    assert (await dense(company))[1] == ""
    embedded = other.embedded
    other.error = None
    await reindex(company.database, other, workspace=company.workspace)
    assert (embedded, other.embedded) == (64, 100)


async def test_a_second_change_drops_the_vectors_of_the_first_model(company: Company, database: Database) -> None:
    """Two models are kept, the one that is searched and the one before; forgetting reaches both."""
    await teach_many(company, 3)
    for name in ("others@2", "others@3"):
        assert await reindex(database, Other(name), workspace=company.workspace) == [company.workspace]
        assert await reindex(database, Other(name), workspace=company.workspace) == []
    async with database.reading(company.workspace) as connection:
        cursor = await connection.execute("select id, name from vocero.embedding_model order by id")
        models = {name: number for number, name in await cursor.fetchall()}
        counts = {}
        for name, number in models.items():
            cursor = await connection.execute(f"select count(*) from vocero.embedding_{number}")
            counts[name] = (await cursor.fetchone() or (0,))[0]
    assert (counts["words@1"], counts["others@2"], counts["others@3"]) == (0, 3, 3)
    await company.librarian.forget(company.workspace, "many.md")
    async with database.reading(company.workspace) as connection:
        cursor = await connection.execute("select count(*) from vocero.embedding_cache")
        assert await cursor.fetchone() == (0,)


async def test_an_unknown_workspace_is_named(database: Database) -> None:
    """Nothing is embedded for a name that is none."""
    with pytest.raises(UnknownError, match="nowhere"):
        await reindex(database, Other(), workspace="nowhere")
