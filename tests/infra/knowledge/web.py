"""A site on loopback that answers byte for byte what a test wants, and notes what it was asked."""

import asyncio
import gzip
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

Page = Callable[[asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Site:
    """Pages by path; `asked` holds every request head, `hello` the first bytes of each connection."""

    port: int = 0
    pages: dict[str, Page | bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    hello: list[bytes] = field(default_factory=list)

    def url(self, path: str = "/", host: str = "site.example", scheme: str = "http") -> str:
        """Give the address of a page, under any name."""
        return f"{scheme}://{host}:{self.port}{path}"

    def allow(self, address: str, port: int) -> bool:
        """Let the guard through to this site, and to nothing else."""
        return (address, port) == ("127.0.0.1", self.port)

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection, one request."""
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            first = await reader.read(5_000)
            self.hello.append(first)
            if first[:1].isalpha():
                self.asked.append(first.decode())
                page = self.pages.get(first.split()[1].decode(), answer(b"", status="404 Not Found"))
                if isinstance(page, bytes):
                    writer.write(page)
                else:
                    await page(writer)
                await writer.drain()
        writer.close()


@asynccontextmanager
async def serving() -> AsyncIterator[Site]:
    """Run a site."""
    site = Site()
    server = await asyncio.start_server(site.answer, "127.0.0.1", 0)
    site.port = server.sockets[0].getsockname()[1]
    try:
        yield site
    finally:
        server.close()


def answer(body: bytes, *, status: str = "200 OK", **headers: str) -> bytes:
    """Write an HTTP answer; header names with `_` for `-`."""
    fields = {"Content-Type": "text/html", "Content-Length": str(len(body)), "Connection": "close"}
    fields |= {name.replace("_", "-"): value for name, value in headers.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"HTTP/1.1 {status}\r\n{head}\r\n".encode() + body


def moved(to: str, status: str = "302 Found") -> bytes:
    """Write a redirect."""
    return answer(b"", status=status, Location=to)


def bomb(size: int) -> bytes:
    """Write an answer of `size` zeros, packed a thousandfold."""
    return answer(gzip.compress(bytes(size), 1), Content_Encoding="gzip")


def drip(pause: float) -> Page:
    """Make a page that comes byte by byte, for ever."""

    async def page(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n")
        while True:
            writer.write(b".")
            await writer.drain()
            await asyncio.sleep(pause)

    return page


async def flood(writer: asyncio.StreamWriter) -> None:
    """Send without end, as fast as it is taken."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n")
    while True:
        writer.write(bytes(100_000))
        await writer.drain()
