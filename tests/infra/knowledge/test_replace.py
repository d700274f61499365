"""A document is replaced as a whole: whoever reads meanwhile sees the old version or the new one."""

import asyncio

import pytest

from core.audience import EVERYONE
from core.documents import Place, Source, State
from infra.postgres.pool import Database
from tests.infra.knowledge.teaching import Company, to_vector

CHUNKS = 20
TIMES = 200


def version(number: int) -> str:
    return "\n\n".join(f"# Part {part}\n\nversion{number} of part{part}" for part in range(CHUNKS))


@pytest.mark.slow
async def test_a_reader_during_two_hundred_replacements_never_sees_a_hole_or_a_mix(database: Database) -> None:
    """Search and show run without pause against the writer: each read is one whole version, and they see many."""
    company = Company(database)
    librarian, engine = company.librarian, company.engine
    source, place = "doc.md", Place(workspace=company.workspace)
    await company.teach(source, version(0))
    company.embedder.vector = to_vector("version part")  # one direction for all: texts are told apart by their words
    done = asyncio.Event()
    seen: set[tuple[str, ...]] = set()
    reads = 0

    async def read_on() -> None:
        nonlocal reads
        while not done.is_set():
            found = await engine.retrieve(
                "part version", workspace=company.workspace, audience=EVERYONE, limit=CHUNKS * 2
            )
            _, chunks = await librarian.document(company.workspace, source)
            for texts in ([passage.text for passage in found.passages], [chunk.text for chunk in chunks]):
                assert len(texts) == CHUNKS
                seen.add(tuple({text.split()[0] for text in texts}))
            reads += 2

    reader = asyncio.create_task(read_on())
    for number in range(1, TIMES + 1):
        content = Source(name=source, content=version(number % 3).encode())
        assert (await librarian.learn(content, place)).state is State.INDEXED
    done.set()
    await reader
    assert seen == {("version0",), ("version1",), ("version2",)}
    assert reads >= TIMES / 4


async def test_many_writers_of_one_document_leave_one_version(database: Database) -> None:
    """Eight learnings of different texts at once end with exactly the chunks of one of them, counted right."""
    company = Company(database)
    await company.teach("doc.md", version(99))
    done = await asyncio.gather(*(company.teach("doc.md", version(number)) for number in range(8)))
    assert State.INDEXED in {learned.state for learned in done}
    (document,) = await company.librarian.documents(company.workspace)
    _, chunks = await company.librarian.document(company.workspace, document.id)
    assert len({chunk.text.split()[0] for chunk in chunks}) == 1
    assert len(chunks) == document.chunks == CHUNKS
    assert (await company.engine.shelf(company.workspace, EVERYONE)).chunks == CHUNKS
    assert document.state is State.INDEXED


async def test_many_documents_at_once_keep_words_and_counts_right(database: Database) -> None:
    """Sixteen new documents of one new workspace, learned at once, are all there and nothing deadlocks."""
    company = Company(database)
    done = await asyncio.gather(*(company.teach(f"{n}.md", f"# Part\n\nshared own{n}") for n in range(16)))
    assert {learned.state for learned in done} == {State.INDEXED}
    shelf = await company.engine.shelf(company.workspace, EVERYONE)
    assert (shelf.chunks, shelf.editions) == (16, (("general", 16),))
    async with database.reading(company.workspace) as connection:
        cursor = await connection.execute("select chunks from vocero.lexeme_count where word = 'share'")
        assert await cursor.fetchall() == [(16,)]
