"""Kill -9 of workers at random while documents are ingested: every one is finished, once, and readers see no hole."""

import pytest

from core.documents import State
from infra.postgres.pool import Database
from tests.infra.knowledge.crash import Crash, duplicates
from tests.infra.knowledge.teaching import Company
from tests.postgres import Urls

pytestmark = pytest.mark.slow

DOCUMENTS = 60  # the benchmark `tests.benchmarks.ingest_crash` takes 300


async def test_killed_workers_lose_nothing_double_nothing_and_show_nothing_half(
    database: Database, postgres: Urls
) -> None:
    """Sixty documents, half of them replaced, a kill every .4 s: all indexed, whole in every read, none twice."""
    company = Company(database)
    result = await Crash(postgres.application, company, documents=DOCUMENTS, every=0.4).run(100)
    assert result.states == {State.INDEXED: DOCUMENTS}
    assert result.wrong == []
    assert await duplicates(company) == 0
    assert result.kills >= 3
    assert result.reads > DOCUMENTS
