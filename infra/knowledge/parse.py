"""Read a file of any supported kind as Markdown, in a child process with limits, so that no file can hurt the bot.

The child is kept for a batch and replaced when a document kills it; this module itself loads no reader.
"""

import asyncio
import json
import os
import signal
import struct
import sys
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Final

from core.errors import InputError
from infra.knowledge.confine import Limits
from infra.knowledge.readers.parsed import Parsed, Section

__all__ = ["Limits", "Parsed", "Parser", "Section", "parse"]

CODE: Final = Path(__file__).parents[2]  # the folder of our packages
LARGEST: Final = 100_000_000  # bytes: an illustrated book; more is refused before it is copied into a child
GRACE: Final = 2.0  # seconds over the wall limit: the child ends itself on time, and says more by how it ended
DYING: Final = 1.0  # seconds a child gets to end after its pipes closed: how it ended is the reason to tell
PIECE: Final = 1 << 18  # bytes handed to the child at once, so that a large file is not copied whole into a buffer
REPLY_LIMIT: Final = 200_000_000  # bytes: PARSE_CHARACTERS of the longest encoding, and the anchors of 2,000 pages
TOO_BIG: Final = f"the file is larger than {LARGEST // 1_000_000} MB: split it and add the parts"
TOO_LARGE: Final = "the document needs too much memory to read: split it and add the parts"
TOO_SLOW: Final = "the document takes too long to read: split it, or save it as a simpler PDF, and add that"
CRASHED: Final = "the document is damaged or too unusual to read: save it again, or as PDF, and add that"
OUT_OF_MEMORY: Final = 99
# How the child ended, as a shell would say it, and what that means.
ENDS: Final = {
    OUT_OF_MEMORY: TOO_LARGE,
    128 + signal.SIGKILL: TOO_LARGE,  # the system's own guard against full memory
    128 + signal.SIGXCPU: TOO_SLOW,
    128 + signal.SIGALRM: TOO_SLOW,
}


class Parser:
    """Parses documents one at a time in a child that starts with the first; use as `async with Parser() as parser`."""

    def __init__(
        self, limits: Limits | None = None, *, child: str = "infra.knowledge.parse_child", python: str = sys.executable
    ) -> None:
        """Assign only; `child` is the module to run, so that tests can bring readers that misbehave.

        `python`: an interpreter with libraries of its own, which then gets no more of ours than the code.
        """
        self._limits = limits or Limits()
        self._python, self._path = python, sys.path if python == sys.executable else [str(CODE)]
        self._module = child
        self._lock = asyncio.Lock()
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> "Parser":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stop()

    async def parse(self, content: bytes, *, name: str, media_type: str = "") -> Parsed:
        """Read one file; raises InputError with one sentence: reason and remedy."""
        if len(content) > LARGEST:
            raise InputError(TOO_BIG)
        async with self._lock:
            try:
                async with asyncio.timeout(self._limits.wall + GRACE):
                    reply = await self._ask(content, {"name": name, "media_type": media_type})
            except TimeoutError as error:
                await self._stop()
                raise InputError(TOO_SLOW) from error
            except (EOFError, ConnectionError, ValueError) as error:  # ValueError: a reply that is not JSON
                raise InputError(ENDS.get(await self._stop(DYING), CRASHED)) from error
            except BaseException:  # cancelled: the child is in the middle of something
                await self._stop()
                raise
        return _to_parsed(reply)

    async def _ask(self, content: bytes, head: dict[str, str]) -> dict[str, Any]:
        process = self._process or await self._start()
        assert process.stdin is not None  # noqa: S101 - both are pipes
        assert process.stdout is not None  # noqa: S101
        words = json.dumps(head).encode()
        process.stdin.write(struct.pack("!II", len(words), len(content)) + words)
        for start in range(0, len(content), PIECE):
            process.stdin.write(content[start : start + PIECE])
            await process.stdin.drain()
        (length,) = struct.unpack("!I", await process.stdout.readexactly(4))
        if length > REPLY_LIMIT:
            raise EOFError
        reply: dict[str, Any] = json.loads(await process.stdout.readexactly(length))
        return reply

    async def _start(self) -> asyncio.subprocess.Process:
        limits = self._limits
        self._process = await asyncio.create_subprocess_exec(
            *(self._python, "-P", "-m", self._module, str(limits.wall), str(limits.cpu), str(limits.memory)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env={"PYTHONPATH": os.pathsep.join(filter(None, self._path)), "LC_ALL": "C.UTF-8"},  # no secrets
            start_new_session=True,  # Ctrl-C is for the parent; and a group of its own can be killed whole
        )
        return self._process

    async def _stop(self, patience: float = 0.0) -> int:
        """End the child and the reader it forked; give its exit code, negative if it had to be killed."""
        process, self._process = self._process, None
        if process is None:
            return 0
        with suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), patience)
        if process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        return await process.wait()


def _to_parsed(reply: dict[str, Any]) -> Parsed:
    if "error" in reply:
        error = InputError(str(reply["error"]))
        if "detail" in reply:
            error.add_note(str(reply["detail"]))
        raise error
    try:
        sections = tuple(
            Section(anchor=str(anchor), markdown=str(markdown), above=tuple(map(str, above)))
            for anchor, markdown, above in reply["sections"]
        )
        links = tuple(map(str, reply["links"]))
        return Parsed(title=str(reply["title"]), media_type=str(reply["media_type"]), sections=sections, links=links)
    except (KeyError, TypeError, ValueError) as error:  # not even the child is believed
        raise InputError(CRASHED) from error


async def parse(content: bytes, *, name: str, media_type: str = "") -> Parsed:
    """Read one file; raises InputError with one sentence: reason and remedy."""
    async with Parser() as parser:
        return await parser.parse(content, name=name, media_type=media_type)
