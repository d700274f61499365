"""Forgetting down to the files: after a wipe no byte of a forgotten document is in any file of the database."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from psycopg import AsyncConnection

from core.documents import Place, Source
from infra.postgres.nightly import AGAIN, Nightly, planned
from infra.postgres.pool import Database
from infra.postgres.upkeep import upkeep
from infra.postgres.wiping import wipe
from tests.infra.knowledge.teaching import Company
from tests.postgres import Server, Urls

pytestmark = pytest.mark.slow

MARK = b"xylophonemark"


async def held(server: Server, admin: AsyncConnection) -> dict[str, int]:
    """How often each file of this database holds the mark, in any of its tables and indexes."""
    await admin.execute("checkpoint")
    row = await (await admin.execute("select oid from pg_database where datname = current_database()")).fetchone()
    assert row is not None
    return counted(server.folder / "data" / "base" / str(row[0]))


def counted(folder: Path) -> dict[str, int]:
    files = (file for file in folder.iterdir() if file.is_file())
    return {file.name: count for file in files if (count := file.read_bytes().count(MARK))}


async def test_no_byte_of_a_forgotten_document_is_left_in_the_files(
    database: Database, postgres: Urls, postgres_server: Server
) -> None:
    """There before, there after forgetting, gone after the wipe; what stays can still be found."""
    company = Company(database)
    await company.teach("kept.md", "The kept drum plays.")
    mark = MARK.decode()
    source = Source(name=f"{mark}.md", content=f"# {mark}\n\nThe {mark} plays.".encode(), title=f"On {mark}")
    await company.librarian.learn(source, Place(workspace=company.workspace))
    await company.librarian.submit(source, Place(workspace=company.workspace), force=True)
    async with await AsyncConnection.connect(postgres.admin, autocommit=True) as admin:
        assert await held(postgres_server, admin)
        receipt = await company.librarian.forget(company.workspace, source.name)
        assert any("upkeep --wipe" in what for what in receipt.pending)
        assert await held(postgres_server, admin)
        written: list[str] = []
        await upkeep(postgres.admin)
        assert (await company.librarian.receipt(company.workspace, "document", receipt.id)).wiped is None
        assert await wipe(postgres.admin, say=written.append) == 1
        said = {line.split()[1] for line in written}
        assert {"data_chunk", "embedding_1", "document", "procrastinate_jobs"} <= said
        assert await held(postgres_server, admin) == {}
        wiped = (await company.librarian.receipt(company.workspace, "document", receipt.id)).wiped
        assert wiped is not None
        assert wiped > receipt.when
    _, chunks = await company.librarian.document(company.workspace, "kept.md")
    assert [chunk.text for chunk in chunks] == ["The kept drum plays."]


async def test_the_night_after_a_forgetting_its_bytes_leave_by_themselves(
    database: Database, postgres: Urls, postgres_server: Server
) -> None:
    """Due since a moment after the forgetting: one of two processes does it, once, and the receipt says when."""
    company, mark = Company(database), MARK.decode()
    await company.teach(f"{mark}.md", f"The {mark} plays.")
    receipt = await company.librarian.forget(company.workspace, f"{mark}.md")
    night = Nightly(database=database, owner_url=postgres.admin, hour=3)
    async with await AsyncConnection.connect(postgres.admin, autocommit=True) as admin:
        assert await held(postgres_server, admin)
        await admin.execute("insert into vocero.upkeep default values on conflict do nothing")
        await admin.execute("update vocero.upkeep set kept = now(), tried = now() - interval '1 d'")
        assert not await night.look(receipt.when - timedelta(hours=1))
        later = datetime.now(UTC) + timedelta(seconds=1)
        assert sorted(await asyncio.gather(night.look(later), night.look(later))) == [False, True]
        assert await held(postgres_server, admin) == {}
    wiped = (await company.librarian.receipt(company.workspace, "document", receipt.id)).wiped
    assert wiped is not None
    assert not await night.look(later)


async def test_a_table_that_cannot_be_had_leaves_the_receipt_pending(
    database: Database, postgres: Urls, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Someone else's lock ends the wipe after its patience; it is tried again later, and nothing was claimed."""
    monkeypatch.setattr("infra.postgres.wiping.PATIENCE", 0.1)
    company = Company(database)
    await company.teach("a.md", "A fact.")
    receipt = await company.librarian.forget(company.workspace, "a.md")
    night = Nightly(database=database, owner_url=postgres.admin, hour=3)
    async with await AsyncConnection.connect(postgres.admin) as admin:
        await admin.execute("update vocero.upkeep set tried = now() - interval '1 d'")
        await admin.commit()
        await admin.execute("lock table vocero.gap in access share mode")
        assert not await night.look(datetime.now(UTC) + timedelta(seconds=1))
        assert not await night.look(datetime.now(UTC) + timedelta(seconds=1))  # not again at once
        await admin.rollback()
        assert (await company.librarian.receipt(company.workspace, "document", receipt.id)).wiped is None
        await admin.execute("update vocero.upkeep set tried = now() - make_interval(secs => %s)", (AGAIN + 1,))
        await admin.commit()
    assert await night.look(datetime.now(UTC) + timedelta(seconds=1))
    assert (await company.librarian.receipt(company.workspace, "document", receipt.id)).wiped is not None


@pytest.mark.parametrize(
    ("at", "due"), [("2026-05-02 02:59", "2026-05-01 03:00"), ("2026-05-02 03:00", "2026-05-02 03:00")]
)
def test_upkeep_is_planned_for_an_hour_of_each_night(at: str, due: str) -> None:
    """The last such moment before now."""
    assert planned(datetime.fromisoformat(at + "+02:00"), 3) == datetime.fromisoformat(due + "+02:00")
