"""A child whose reader does what the document says, for the worst documents."""

import ctypes
import os
import resource
import signal
import time
from pathlib import Path

from core.errors import InputError
from infra.knowledge.parse_child import serve
from infra.knowledge.readers.parsed import Parsed, Section


def _loop() -> str:
    while True:
        pass


def _flood() -> str:
    os.write(1, b"not a reply" * 100)
    print("nor this", flush=True)
    return "flooded"


def _write(place: str) -> str:
    try:
        Path(place).write_bytes(b"x" * 10)
    except OSError as error:
        return f"refused {error.errno}"
    return "written"


def network() -> str:
    """Name the network that this process is in, where the system tells."""
    place = Path("/proc/self/ns/net")
    return str(place.readlink()) if place.is_symlink() else "unknown"


DEEDS = {
    "loop": _loop,
    "sleep": lambda: str(time.sleep(60)),
    "hog": lambda: str(len([bytearray(10_000_000) for _ in range(1000)])),
    "crash": lambda: str(ctypes.string_at(0)),
    "killed": lambda: str(os.kill(os.getpid(), signal.SIGKILL)),
    "leave": lambda: os._exit(3),
    "error": lambda: str(1 / 0),
    "flood": _flood,
    "network": network,
    "environment": lambda: " ".join(sorted(os.environ)),
    "stdin": lambda: repr(os.read(0, 10)),
    "files": lambda: str(resource.getrlimit(resource.RLIMIT_NOFILE)[0]),
    "pid": lambda: str(os.getpid()),
}


def read(content: bytes, *, name: str, media_type: str = "") -> Parsed:
    """Do the deed that the document names."""
    deed, _, place = content.decode().partition(" ")
    if deed == "write":
        return Parsed(title=name, media_type="", sections=(Section(anchor="", markdown=_write(place)),))
    if deed not in DEEDS:
        raise InputError(f"no such deed for {name} {media_type}".strip())
    return Parsed(title=name, media_type="text/plain", sections=(Section(anchor="", markdown=str(DEEDS[deed]())),))


if __name__ == "__main__":
    serve(read)
