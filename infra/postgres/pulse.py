"""Whether the database takes work, and how much waits in it: counts and ages of all workspaces together."""

from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from core.errors import KnowledgeDown
from infra.postgres.errors import BUSY, READ_ONLY
from infra.postgres.pool import Database

TRIAL: Final = "local/doctor"  # the workspace of a row that is never kept
_WRITABLE: Final = "select current_setting('transaction_read_only') = 'off'"
_INBOX: Final = "select n, oldest from vocero.pulse()"
_JOBS: Final = """
    select j.status::text, count(*), coalesce(extract(epoch from now() - min(e.at)), 0)::float8
    from vocero_jobs.procrastinate_jobs j
        left join vocero_jobs.procrastinate_events e on e.job_id = j.id and e.type = 'started'
    where j.status in ('todo', 'doing') group by j.status
"""
_TRY: Final = "insert into vocero.workspace (name) values (%s) on conflict do nothing"
# A row alone fits a page that there is already: on a full disk it would be taken. This asks the disk for new pages.
_FILL: Final = """
    insert into vocero.inbox (workspace, event_key, payload, lease)
    select vocero.current_workspace(), 'doctor', to_jsonb(string_agg(md5(random()::text), '')), now()
    from generate_series(1, 32768)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulse:
    """What waits; ages in seconds."""

    inbox: int
    inbox_oldest: float
    todo: int
    doing: int
    doing_oldest: float


async def pulse(database: Database) -> Pulse:
    """Return what waits now. KnowledgeDown."""
    inboxes = await database.everywhere(_INBOX, ())
    jobs = await database.everywhere(_JOBS, ())
    return Pulse(
        inbox=sum(n for n, _ in inboxes),
        inbox_oldest=max(age for _, age in inboxes),
        todo=sum(n for state, n, _ in jobs if state == "todo"),
        doing=sum(n for state, n, _ in jobs if state == "doing"),
        doing_oldest=max((age for state, _, age in jobs if state == "doing"), default=0.0),
    )


async def check_writable(database: Database) -> None:
    """Raise KnowledgeDown with the remedy when nothing could be recorded. A busy database is not a broken one."""
    try:
        [(writable,)] = await database.fetch(_WRITABLE, ())
    except KnowledgeDown as down:
        if str(down) != BUSY:
            raise
        await database.knock()
        return
    if not writable:
        raise KnowledgeDown(READ_ONLY)


async def try_write(database: Database) -> None:
    """Write a megabyte and take it back. KnowledgeDown: read-only, full, locked, or not allowed."""
    with suppress(_TakenBack):
        async with database.writing(TRIAL) as connection:
            await connection.execute(_TRY, (TRIAL,))
            await connection.execute(_FILL)
            raise _TakenBack


class _TakenBack(Exception):
    """Ends the transaction without a trace."""
