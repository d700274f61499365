"""What the supervisor tells its clients: one small file, replaced whole at every change."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Literal

from infra.embedded.home import Home, write

Phase = Literal["starting", "ready", "absent", "failed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """One server as its clients may see it; `told` are the leases whose wish ended in this failure."""

    title: str
    phase: Phase = "starting"
    detail: str = ""  # what it is doing, or why it is not there
    endpoints: Mapping[str, str] = field(default_factory=dict)
    told: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """A supervisor and its servers by name."""

    pid: int
    host: str
    stopping: bool = False
    services: Mapping[str, Service] = field(default_factory=dict)


def publish(home: Home, state: State) -> None:
    """Replace the state file. Raises OSError."""
    write(home.state, json.dumps(asdict(state), indent=1))


def read(home: Home) -> State | None:
    """The last published state, or None before the first."""
    try:
        told = json.loads(home.state.read_text())
    except FileNotFoundError:
        return None
    services = {name: Service(**{**of, "told": tuple(of["told"])}) for name, of in told.pop("services").items()}
    return State(**told, services=services)
