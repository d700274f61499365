"""Kill -9 of workers at random while 300 documents are ingested, half of them replaced, and a reader that looks on."""

from core.documents import State
from infra.postgres.migrate import migrate
from infra.postgres.pool import Database
from tests.benchmarks.session import Session, command
from tests.benchmarks.table import Row
from tests.infra.knowledge.crash import Crash, duplicates
from tests.infra.knowledge.teaching import Company
from tests.postgres import APPLICATION

DOCUMENTS = 300
EVERY = 0.5  # seconds between kills, on average
PATIENCE = 600.0  # seconds; a quiet machine needs a tenth


async def bench(session: Session) -> list[Row]:
    """Return what was finished, what readers saw, and what is there twice."""
    urls, documents = session.server.database(), session.times(DOCUMENTS)
    await migrate(urls.admin, APPLICATION)
    async with Database(urls.application) as database:
        company = Company(database)
        result = await Crash(urls.application, company, documents=documents, every=EVERY).run(PATIENCE)
        double = await duplicates(company)
    finished = result.states.get(State.INDEXED, 0)
    what = f"of {documents} documents finished, {result.kills} kills in {result.seconds:.0f} s"
    again = result.attempts - 2 * documents - documents // 2  # each is queued and begun, half were known before
    return [
        Row(bench="crash", what=what, value=finished, least=documents),
        Row(bench="crash", what=f"mixed or missing, {result.reads} reads", value=len(result.wrong), most=0),
        Row(bench="crash", what="chunks that are there twice or miscounted", value=double, most=0),
        Row(bench="crash", what="learnings begun again", value=again),
    ]


if __name__ == "__main__":
    command(bench)
