"""What answers leave behind does not grow for ever."""

import psycopg

from core.messages import Answer, Outcome, Question
from infra.postgres import upkeep
from infra.postgres.journal import Journal
from infra.postgres.migrate import migrations
from infra.postgres.pool import Database
from tests.infra.knowledge.teaching import Company
from tests.postgres import Urls

# Every table: what bounds it. A new table has to say so here.
BOUNDED = {
    "by upkeep, after days": {"answer_log", "exchange", "feedback", "gap", "embedding_cache", "turn"},
    "by the inbox's reaper, after a day": {"inbox"},
    "by the jobs that end": {"pending", "notice", "awaited"},
    "by what people add, and goes with it": {
        *("workspace", "collection", "document", "data_chunk", "lexeme_count", "previous", "previous_chunk"),
        *("default_collection", "room", "example", "adapter", "installation", "bar", "embedding_model", "migration"),
    },
    "by what admins do: the proof of it is kept": {"tombstone", "audit", "receipt"},
    "by its own deadline": {"install_state", "upkeep"},
    "by the next of their kind, after minutes": {"pace", "bulletin"},
}


async def test_old_records_go_and_new_ones_stay(database: Database, postgres: Urls) -> None:
    """Records, exchanges with their verdicts and gaps older than the rule go in any workspace; a fresh one is kept."""
    company = Company(database)
    await company.teach("a.md", "Tents are sold.")
    journal = Journal(database)
    for n in range(3):
        asked = Question(text=f"What is sold by {n}?", workspace=company.workspace)
        await journal.note(asked, Answer(text="Tents.", outcome=Outcome.ANSWERED))
        await journal.gap(asked)
    with psycopg.connect(postgres.admin, autocommit=True) as admin:
        for table in ("answer_log", "gap"):
            admin.execute(f"update vocero.{table} set created = now() - interval '401 days' where id % 3 <> 1")
        await upkeep.upkeep(postgres.admin)
        assert admin.execute("select count(*) from vocero.answer_log").fetchone() == (1,)
        assert admin.execute("select count(*) from vocero.gap").fetchone() == (1,)


def test_every_table_has_its_bound(database: Database, postgres: Urls) -> None:
    """No table of the schema is missing from the list above, but the per-model vectors, which chunks bound."""
    assert migrations()
    with psycopg.connect(postgres.admin) as admin:
        rows = admin.execute(
            "select relname from pg_class where relnamespace = 'vocero'::regnamespace and relkind in ('r', 'p')"
        ).fetchall()
    known = set().union(*BOUNDED.values())
    assert sorted(name for (name,) in rows if name not in known and not name.startswith("embedding_")) == []
