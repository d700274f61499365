"""Ports and passwords, kept between runs so that a client's connections work again after any crash."""

import json
import random
import secrets
import socket

from infra.embedded.errors import EmbeddedError
from infra.embedded.home import Home, write

# Below every system's ephemeral range: a port from inside it may be some outgoing connection's when we restart.
PORTS = range(20_000, 32_000)


class Credentials:
    """The file HOME/credentials.json: service name to its port and secrets. OSError and EmbeddedError from any call."""

    def __init__(self, home: Home) -> None:
        self._path = home.credentials

    def read(self, service: str) -> dict[str, str]:
        """What is kept for this service, empty when nothing is."""
        return self._all().get(service, {})

    def keep(self, service: str, **values: str) -> dict[str, str]:
        """Set values of a service and return all of them."""
        everything = self._all()
        kept = everything.setdefault(service, {})
        if kept | values != kept:
            kept.update(values)
            write(self._path, json.dumps(everything, indent=1))
        return kept

    def port(self, service: str) -> int:
        """The port this service had, or another one when it is taken; kept."""
        port = int(self.read(service).get("port", "0"))
        if not (port and free(port)):
            port = next((p for p in random.sample(PORTS, 200) if free(p)), 0)
        if not port:
            raise EmbeddedError(f"no free port between {PORTS.start} and {PORTS.stop}: stop what holds them")
        self.keep(service, port=str(port))
        return port

    def secret(self, service: str, name: str) -> str:
        """The secret of that name, made the first time; fit for URLs."""
        return self.read(service).get(name) or self.keep(service, **{name: secrets.token_urlsafe(24)})[name]

    def _all(self) -> dict[str, dict[str, str]]:
        try:
            everything: dict[str, dict[str, str]] = json.loads(self._path.read_text())
        except FileNotFoundError:
            return {}
        except ValueError as error:
            raise EmbeddedError(f"{self._path} is damaged: remove it, new passwords are made") from error
        return everything


def free(port: int) -> bool:
    """Say whether nobody listens on this port of 127.0.0.1."""
    with socket.socket() as attempt:
        attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            attempt.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
