"""Knowledge as if only some of the documents were there, for measurements."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from core.audience import Audience
from core.ports import Found, Knowledge, Shelf

DEEPER: Final = 8  # times as many passages are asked for: some are not looked at


@dataclass(frozen=True, slots=True)
class Partial:
    """Knowledge that looks at the documents which `has` names for a question; their order stays."""

    knowledge: Knowledge
    has: Callable[[str, str], bool]  # the question, our id of a document

    async def shelf(self, workspace: str, audience: Audience) -> Shelf:
        """Return the real shelf."""
        return await self.knowledge.shelf(workspace, audience)

    async def retrieve(
        self, query: str, *, workspace: str, audience: Audience, limit: int, mode: str = "hybrid"
    ) -> Found:
        """Return the best of what is there."""
        found = await self.knowledge.retrieve(
            query, workspace=workspace, audience=audience, limit=DEEPER * limit, mode=mode
        )
        there = [passage for passage in found.passages if self.has(query, passage.document)]
        return replace(found, passages=tuple(there[:limit]))
