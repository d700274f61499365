"""The door to the network for addresses that people give: only public ones are reached, whatever their name says.

Names are looked up once, every address of the answer is judged, and the connection goes to a judged address, so that
neither a second look-up (DNS rebinding) nor a mixed answer leads inside.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final

import httpcore2

from core.errors import RefusedError
from infra.knowledge.private import Private

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Allow = Callable[[str, int], bool]
Resolve = Callable[[str, int], Awaitable[list[str]]]

PORTS: Final = (80, 443)
CONNECT: Final = 5.0  # seconds for look-up, connection and TLS, each
PRIVATE: Final = "the address leads into a private network, and only public pages are fetched: upload the file instead"
PORT: Final = "only the ports 80 and 443 are fetched: upload the file instead"
# Public by their number, private by their meaning.
SPECIAL: Final = tuple(
    ipaddress.ip_network(network)
    for network in (
        "168.63.129.16/32",  # Azure's host, seen from a virtual machine
        "192.0.0.0/24",  # protocol assignments, among them a cloud's metadata
        "192.88.99.0/24",  # 6to4 relays
        "2001::/23",  # protocol assignments, among them Teredo
        "2002::/16",  # 6to4: an IPv4 address inside
        "64:ff9b:1::/48",  # NAT64 for local use
        "::/96",  # IPv4-compatible
        "fec0::/10",  # site-local
    )
)
NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")
NOTHING: Final = Private()
NO_PORTS_ALLOWED: Final[Allow] = lambda _host, _port: False  # noqa: E731 - a value, the default of a parameter


def is_public(text: str) -> bool:
    """Say whether an IP address belongs to the public internet, also behind the disguises of IPv6."""
    address: Address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        elif address in NAT64:
            address = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    special = any(address in network for network in SPECIAL if network.version == address.version)
    return address.is_global and not (special or address.is_multicast or address.is_reserved)


async def look_up(host: str, port: int) -> list[str]:
    """Give all addresses of a host, in the system's order; decimal, octal and hex spellings are addresses too."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class Guard(httpcore2.AsyncNetworkBackend):
    """Connects for the HTTP client; raises RefusedError before a single packet goes to a private address."""

    def __init__(self, allow: Allow = NO_PORTS_ALLOWED, resolve: Resolve = look_up, private: Private = NOTHING) -> None:
        """Take `allow(address, port)`, which lets tests reach loopback servers, and `resolve(host, port)`.

        `private` is what the operator lets be reached.
        """
        self._allow = allow
        self._private = private
        self._resolve = resolve
        self._network = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,  # noqa: ARG002 - the client's interface
        socket_options: Iterable[Any] | None = None,  # noqa: ARG002
    ) -> httpcore2.AsyncNetworkStream:
        """Connect to the first address of `host` that answers, after all of them were judged."""
        try:
            async with asyncio.timeout(timeout or CONNECT):
                addresses = await self._judged(host, port)
                return await self._first(addresses, port)
        except TimeoutError as error:
            raise httpcore2.ConnectTimeout(error) from error
        except (OSError, UnicodeError) as error:
            raise httpcore2.ConnectError(error) from error

    async def connect_unix_socket(
        self,
        path: str,  # noqa: ARG002
        timeout: float | None = None,  # noqa: ARG002
        socket_options: Iterable[Any] | None = None,  # noqa: ARG002
    ) -> httpcore2.AsyncNetworkStream:
        """Refuse: nothing public listens on a file."""
        raise RefusedError(PRIVATE)

    async def sleep(self, seconds: float) -> None:
        """Sleep, for the client's retries."""
        await asyncio.sleep(seconds)

    async def _judged(self, host: str, port: int) -> list[str]:
        addresses = await self._resolve(host, port)
        strange = [
            address
            for address in addresses
            if not self._allow(address, port) and not self._private.allows(host, address, port)
        ]
        if not all(is_public(address) for address in strange):
            raise RefusedError(PRIVATE)
        if strange and port not in PORTS:
            raise RefusedError(PORT)
        return addresses

    async def _first(self, addresses: list[str], port: int) -> httpcore2.AsyncNetworkStream:
        failure: Exception = OSError("the name has no address")
        for address in addresses:
            try:
                return await self._network.connect_tcp(address, port)
            except httpcore2.ConnectError as error:
                failure = error
        raise failure
