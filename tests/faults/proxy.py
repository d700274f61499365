"""A TCP proxy that breaks: what it does to a connection can be changed at any moment, also under an open one."""

import asyncio
import os
import socket
import struct
from dataclasses import dataclass, field
from typing import Self

MODES = ("ok", "refuse", "silent", "delay", "cut", "half", "reset", "garbage")
DELAY = 0.03  # seconds each piece waits in `delay`


@dataclass
class Proxy:
    """`async with Proxy(port) as proxy:` listens on `proxy.port`; `proxy.mode` is one of MODES."""

    target: int
    mode: str = "ok"
    port: int = 0
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)
    _tasks: set["asyncio.Task[None]"] = field(default_factory=set)
    _opened: list[asyncio.StreamWriter] = field(default_factory=list)

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for writer in self._opened:
            writer.transport.abort()
        await asyncio.sleep(0.01)  # in which the loop closes their sockets

    def set(self, mode: str) -> None:
        """Change what happens from now on; where nothing is there any more, open connections die with it."""
        self.mode = mode
        for writer in list(self._writers) if mode in ("refuse", "cut", "reset", "ok") else ():
            _end(writer, reset=mode in ("refuse", "reset"))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._tasks.add(task)
        self._writers.add(writer)
        there = None
        try:
            if self.mode in ("refuse", "reset", "cut"):
                return
            back, there = await asyncio.open_connection("127.0.0.1", self.target)
            self._opened.append(there)
            asking = asyncio.create_task(self._pipe(reader, there, answers=False))
            answering = asyncio.create_task(self._pipe(back, writer, answers=True))
            try:
                await asyncio.wait({asking, answering}, return_when=asyncio.FIRST_COMPLETED)
                if self.mode == "half":  # we said that nothing comes any more, and listen on
                    await asking
            finally:
                for pipe in (asking, answering):
                    pipe.cancel()
                await asyncio.gather(asking, answering, return_exceptions=True)
        except OSError:
            pass
        finally:
            self._writers.discard(writer)
            self._tasks.discard(task)
            for each in filter(None, (writer, there)):
                _end(each, reset=self.mode in ("refuse", "reset"))

    async def _pipe(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, answers: bool) -> None:
        while piece := await reader.read(65536):
            while self.mode == "silent":  # noqa: ASYNC110 - the mode is a plain word, so that a test may just set it
                await asyncio.sleep(0.02)
            if self.mode == "delay":
                await asyncio.sleep(DELAY)
            if answers and self.mode == "half":
                writer.write_eof()
                return
            writer.write(os.urandom(len(piece)) if answers and self.mode == "garbage" else piece)
            await writer.drain()


def _end(writer: asyncio.StreamWriter, *, reset: bool) -> None:
    if reset and (raw := writer.get_extra_info("socket")):
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()
    else:
        writer.close()
