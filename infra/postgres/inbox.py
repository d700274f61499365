"""The inbox on Postgres: dedupe, queue and lease in one row, each step one round trip."""

import asyncio
import json
from collections.abc import Collection
from typing import Final

from core import budgets
from core.errors import KnowledgeDown
from core.inbox import KEEP, LEASE, Arrival, Work
from infra.postgres.pool import Database, Row

_ACCEPT: Final = "select * from vocero.admit(%s, %s, %s, %s::jsonb, %s)"
_BEHIND: Final = "select vocero.behind(%s, %s, %s)"
_CLAIM: Final = "select vocero.claim(%s, %s, %s, %s)"
_HOLD: Final = "select vocero.hold(%s, %s, %s, %s, %s)"
_SETTLE: Final = "select vocero.settle(%s, %s, %s, %s)"
_DEFER: Final = "select vocero.defer(%s, %s, %s, %s)"
_WAITED: Final = "select * from vocero.waited(%s, %s)"
_REAP: Final = "select * from vocero.reap(%s, %s, %s, %s)"


class PostgresInbox:
    """The port `Inbox`; `lease` seconds may be shortened by tests."""

    def __init__(self, database: Database, *, lease: float = LEASE) -> None:
        self._database, self._lease = database, lease

    async def accept(self, arrival: Arrival) -> Work | None:
        """Insert the arrival; None when it was there."""
        payload = json.dumps(arrival.payload, ensure_ascii=True).replace("\\u0000", "")
        values = (arrival.workspace, arrival.event_key, arrival.conversation, payload, self._lease)
        try:
            async with asyncio.timeout(budgets.INBOX_INSERT):
                [(accepted, behind)] = await self._database.fetch(_ACCEPT, values)
        except TimeoutError as error:
            raise KnowledgeDown("The database did not take the message in time; it will be delivered again.") from error
        return None if accepted is None else Work(arrival=arrival, id=int(str(accepted)), behind=bool(behind))

    async def claim(self, work: Work, message_key: str) -> bool:
        """Set the second key."""
        values = (work.arrival.workspace, work.id, work.attempt, message_key)
        return await self._flag(_CLAIM, values)

    async def hold(self, work: Work, placeholder: str = "") -> bool:
        """Extend the lease."""
        values = (work.arrival.workspace, work.id, work.attempt, self._lease, placeholder)
        return await self._flag(_HOLD, values)

    async def settle(self, work: Work, state: str = "done") -> bool:
        """End the row."""
        return await self._flag(_SETTLE, (work.arrival.workspace, work.id, work.attempt, state))

    async def release(self, work: Work) -> None:
        """End the lease now."""
        await self._database.fetch(_HOLD, (work.arrival.workspace, work.id, work.attempt, -1.0, ""))

    async def defer(self, work: Work, seconds: float) -> None:
        """End the lease then, and count it."""
        await self._database.fetch(_DEFER, (work.arrival.workspace, work.id, work.attempt, seconds))

    async def behind(self, work: Work, own: Collection[int]) -> bool:
        """Look for an earlier one."""
        return await self._flag(_BEHIND, (work.arrival.workspace, work.id, list(own)))

    async def waited(self, work: Work) -> tuple[int, float]:
        """Look it up."""
        [(times, age)] = await self._database.fetch(_WAITED, (work.arrival.workspace, work.id))
        return int(str(times or 0)), float(str(age or 0.0))

    async def reap(self, platform: str, most: int) -> list[Work]:
        """Take over expired rows."""
        rows = await self._database.everywhere(_REAP, (platform, self._lease, most, KEEP))
        return [_to_work(row) for row in rows]

    async def _flag(self, statement: str, values: tuple[object, ...]) -> bool:
        [(held,)] = await self._database.fetch(statement, values)
        return bool(held)


def _to_work(row: Row) -> Work:
    workspace, id_, event_key, conversation, payload, attempt, placeholder = row
    arrival = Arrival(workspace=workspace, event_key=event_key, conversation=conversation, payload=payload)
    return Work(arrival=arrival, id=id_, attempt=attempt, placeholder=placeholder, behind=True)
