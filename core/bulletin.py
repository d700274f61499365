"""What one process learned and all must know: whose membership changed, so that nobody answers by what was true."""

from collections.abc import Collection
from typing import Protocol


class Bulletin(Protocol):
    """Names of what has become stale, by workspace. Both methods raise KnowledgeDown only."""

    async def post(self, workspace: str, names: Collection[str]) -> None:
        """Let every process know."""
        ...

    async def read(self, workspace: str) -> frozenset[str]:
        """Return what was posted since this process read last; a name may come twice."""
        ...
