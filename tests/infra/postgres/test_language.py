"""A workspace may be read in another language: all its words at once, and those of what comes later."""

import asyncio

import pytest

from core.audience import EVERYONE
from core.errors import InputError, UnknownError
from infra.postgres.language import speak
from infra.postgres.pool import Database
from tests.infra.knowledge.teaching import Company


async def found(company: Company, asked: str) -> list[str]:
    answer = await company.engine.retrieve(
        asked, workspace=company.workspace, audience=EVERYONE, limit=5, mode="lexical"
    )
    return [passage.text for passage in answer.passages]


async def counts(company: Company) -> list[tuple[str, int]]:
    async with company.database.reading(company.workspace) as connection:
        cursor = await connection.execute(
            "select word, chunks from vocero.lexeme_count"
            " except select word, count(*) from vocero.data_chunk, unnest(tsvector_to_array(text_search_tsv)) word"
            " group by word"
        )
        return [(str(word), int(chunks)) for word, chunks in await cursor.fetchall()]


async def test_old_and_new_documents_are_read_in_the_new_language(database: Database) -> None:
    """The plural finds the singular after the change; counts are those of the new words; the twin stays as it was."""
    company, twin = Company(database), Company(database)
    for one in (company, twin):
        await one.teach("es.md", "Cada devolución tarda cinco días.")
    assert await found(company, "devoluciones") == []
    before = (await company.engine.shelf(company.workspace, EVERYONE)).editions
    embedded = company.embedder.embedded
    assert await speak(database, company.workspace, "spanish", by="test/U1") == 1
    assert await found(company, "devoluciones") == ["Cada devolución tarda cinco días."]
    assert await found(twin, "devoluciones") == []
    await company.teach("more.md", "Los alquileres son semanales.")
    assert await found(company, "alquiler semanal") == ["Los alquileres son semanales."]
    assert await counts(company) == []
    assert company.embedder.embedded == embedded + 1
    assert (await company.engine.shelf(company.workspace, EVERYONE)).editions > before


async def test_the_same_language_again_changes_nothing(database: Database) -> None:
    """No chunk is read again and no cached answer retired."""
    company = Company(database)
    await company.teach("a.md", "Tents.")
    before = await company.engine.shelf(company.workspace, EVERYONE)
    assert await speak(database, company.workspace, "english") == 0
    assert await company.engine.shelf(company.workspace, EVERYONE) == before


@pytest.mark.parametrize("language", ["klingon", "", "english'; drop table vocero.document; --", "\x00", "ENGLISH"])
async def test_a_language_that_is_none_is_refused_with_those_that_are(database: Database, language: str) -> None:
    """The sentence names what may be chosen."""
    company = Company(database)
    await company.teach("a.md", "Tents.")
    with pytest.raises(InputError, match=r"simple, spanish"):
        await speak(database, company.workspace, language)
    assert await found(company, "tents") == ["Tents."]


async def test_an_unknown_workspace_has_no_language(database: Database) -> None:
    """It is named, as everywhere."""
    with pytest.raises(UnknownError, match="no workspace 'nowhere'"):
        await speak(database, "nowhere", "spanish")


async def test_learning_at_the_same_time_leaves_one_language(database: Database) -> None:
    """Whichever comes first, all chunks end in the new one and the counts are right."""
    company = Company(database)
    await company.teach("0.md", "Las devoluciones.")
    await asyncio.gather(
        *(company.teach(f"{n}.md", f"Las devoluciones tardan {n} semanas.") for n in range(1, 6)),
        speak(database, company.workspace, "spanish"),
    )
    assert len(await found(company, "devolución")) == 5
    assert await counts(company) == []
