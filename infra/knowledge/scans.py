"""Files as they come: read by the ordinary readers; a scanned PDF by the extra `docling`, where it is installed.

The ordinary readers look first: what is locked, damaged or hostile never reaches the large libraries. Those run in a
child of their own, with more time and memory, that starts with the first scan.
"""

import sys
from contextlib import AsyncExitStack
from functools import cache
from importlib.util import find_spec
from types import TracebackType
from typing import Final, Self

from core.budgets import OCR_CPU, OCR_MEMORY, OCR_WALL
from core.errors import InputError
from infra.knowledge.parse import CODE, Limits, Parsed, Parser
from infra.knowledge.readers.parsed import SCANNED

ENVIRONMENT: Final = CODE / ".venv-docling"


@cache
def interpreter() -> str:
    """Return the Python that has the extra, without loading any of it: ours, else its own environment's; or nothing."""
    if find_spec("docling") and find_spec("rapidocr"):
        return sys.executable
    python = ENVIRONMENT / "bin" / "python"
    return str(python) if python.exists() else ""


class Readers:
    """The port `Parse`; use as `async with Readers() as readers`. `python`: which has the extra, empty for none."""

    def __init__(self, *, python: str | None = None, child: str = "infra.knowledge.ocr_child") -> None:
        limits = Limits(wall=OCR_WALL, cpu=OCR_CPU, memory=OCR_MEMORY)
        self._scans = interpreter() if python is None else python
        self._plain, self._ocr = Parser(), Parser(limits, child=child, python=self._scans or sys.executable)
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        for parser in (self._plain, self._ocr):
            await self._stack.enter_async_context(parser)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def parse(self, content: bytes, *, name: str, media_type: str = "") -> Parsed:
        """Read one file; raises InputError with one sentence: reason and remedy."""
        try:
            return await self._plain.parse(content, name=name, media_type=media_type)
        except InputError as error:
            if not self._scans or str(error) != SCANNED:
                raise
        return await self._ocr.parse(content, name=name, media_type=media_type)
