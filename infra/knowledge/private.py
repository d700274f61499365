"""Private hosts that the operator lets documents be fetched from: none, unless they are named one by one. Pure.

A company's wiki often lives behind the firewall. Whoever may add documents can then read what the named hosts serve to
this machine, and nothing else of the network. A cloud's metadata is never among them, however it is named.
"""

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from core.errors import SetupError

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

PORTS: Final = frozenset({80, 443})  # where none is named
_NEVER: Final = tuple(
    ipaddress.ip_network(network)
    for network in ("169.254.0.0/16", "fe80::/10", "168.63.129.16/32", "fd00:ec2::254/128", "0.0.0.0/32", "::/128")
)
_HOST: Final = re.compile(r"(?!\d+(?:\.\d+)*$)[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?", re.IGNORECASE)
_PORTED: Final = re.compile(r"(?P<host>\[[^\]]+\](?:/\d+)?|[^:\[\]]+)(?::(?P<port>\d{1,5}))?")
WHERE: Final = "write a host, an address or a network, such as wiki.example.com, 10.0.3.7:8080 or 10.0.3.0/28"
LARGEST: Final = 256  # addresses of one network: a rack, not a company


@dataclass(frozen=True, slots=True)
class Private:
    """What may be reached: names as a document's address spells them, and networks; each at its ports."""

    hosts: frozenset[tuple[str, int]] = frozenset()
    networks: tuple[tuple[Network, frozenset[int]], ...] = ()

    def allows(self, host: str, address: str, port: int) -> bool:
        """Whether this address, found for this host, may be reached."""
        found = ipaddress.ip_address(address.partition("%")[0])
        if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
            found = found.ipv4_mapped
        if any(found in network for network in _NEVER if network.version == found.version):
            return False
        if (host.rstrip(".").lower(), port) in self.hosts:
            return not found.is_loopback  # a name that suddenly means this machine is none that was meant
        return any(
            port in ports and network.version == found.version and found in network for network, ports in self.networks
        )


def to_private(named: Iterable[str]) -> Private:
    """Return what the operator named. SetupError for what is no host, too wide, or never fetched."""
    hosts: set[tuple[str, int]] = set()
    networks: list[tuple[Network, frozenset[int]]] = []
    for name in named:
        match = _PORTED.fullmatch(name) or _PORTED.fullmatch(f"[{name}]")
        if match is None or not 0 < int(match["port"] or 80) < 65_536:
            raise SetupError(f"VOCERO_PRIVATE_HOSTS names {name[:80]!r}: {WHERE}.")
        ports = frozenset({int(match["port"])}) if match["port"] else PORTS
        bare = match["host"].replace("[", "").replace("]", "")
        network = _network(bare)
        if network is None:
            if not _HOST.fullmatch(bare):
                raise SetupError(f"VOCERO_PRIVATE_HOSTS names {name[:80]!r}: {WHERE}.")
            hosts |= {(bare.lower(), port) for port in ports}
            continue
        if network.num_addresses > LARGEST:
            raise SetupError(f"VOCERO_PRIVATE_HOSTS names {name[:80]!r}, which is too wide: {LARGEST} at most.")
        if any(network.overlaps(never) for never in _NEVER if never.version == network.version):
            raise SetupError(f"VOCERO_PRIVATE_HOSTS names {name[:80]!r}, where a cloud keeps its secrets: never.")
        networks.append((network, ports))
    return Private(frozenset(hosts), tuple(networks))


def _network(text: str) -> Network | None:
    try:
        return ipaddress.ip_network(text)
    except ValueError:
        return None
