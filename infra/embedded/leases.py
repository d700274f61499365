"""Leases: one locked file per client, naming what it needs; a dead client's lock is freed by the kernel."""

import fcntl
import json
import os
import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from infra.embedded.errors import unusable
from infra.embedded.home import Home, held

# A lease is locked before it gets its name; an unnamed one older than this belongs to a client that died in between.
UNNAMED_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Lease:
    """A living client's wish: service name to what that service must know (the model's file, or "")."""

    name: str
    services: Mapping[str, str]


@contextmanager
def hold(home: Home, services: Mapping[str, str]) -> Iterator[Lease]:
    """Hold a lease on these services until the block, or this process, ends. Raises EmbeddedError."""
    lease = Lease(f"{os.getpid()}-{secrets.token_hex(4)}", services)
    path, unnamed = home.leases / lease.name, home.leases / f".{lease.name}"
    descriptor = -1
    try:
        descriptor = os.open(unnamed, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.write(descriptor, json.dumps(dict(services)).encode())
        unnamed.rename(path)
    except OSError as error:
        if descriptor >= 0:
            unnamed.unlink(missing_ok=True)
            os.close(descriptor)
        raise unusable(home.path, error) from error
    try:
        yield lease
    finally:
        path.unlink(missing_ok=True)
        os.close(descriptor)


def living(home: Home) -> list[Lease]:
    """The leases whose holders live; the files of dead ones are removed."""
    leases = []
    for path in sorted(home.leases.iterdir()):
        try:
            if path.name.startswith("."):
                if time.time() - path.stat().st_mtime > UNNAMED_SECONDS and not held(path):
                    path.unlink()
            elif held(path):
                leases.append(Lease(path.name, json.loads(path.read_text())))
            else:
                path.unlink()
        except FileNotFoundError:  # given back while we looked
            continue
    return leases
