"""What a client asks for and what it gets."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from infra.embedded.errors import EmbeddedError
from infra.embedded.state import Service
from infra.embedded.weights import check_gguf

# What the bot does without a server it can do without.
WITHOUT = {
    "redis": ("no Redis", "answers are not cached"),
    "model": ("no model server", "answers quote the passages, nothing is generated"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a client needs; a service whose URL the user set is not wanted.

    `model_file` is the user's GGUF (VOCERO_MODEL_FILE); `adapters` are loaded beside the model; `without` holds "redis"
    or "model" to pretend them absent (VOCERO_EMBEDDED_WITHOUT, for tests and diagnosis).
    """

    database: bool = False
    redis: bool = False
    model: bool = False
    model_file: Path | None = None
    adapters: tuple[Path, ...] = ()
    without: frozenset[str] = frozenset()

    def services(self) -> dict[str, str]:
        """The names of the services a supervisor must keep, each with the files it needs, one a line, or "".

        Each model file is a service of its own, and so is each content of it: a file written anew is loaded anew. The
        same holds for the adapters beside it, which a running server cannot load.
        Raises EmbeddedError for a file that is missing, unreadable or no GGUF.
        """
        names = {
            name: "" for name in ("database", "redis", "model") if getattr(self, name) and name not in self.without
        }
        if "model" in names and (self.model_file is not None or self.adapters):
            file = self.model_file.expanduser().resolve() if self.model_file is not None else None
            if file is not None:
                check_gguf(file)
            files = [file, *self.adapters] if file is not None else list(self.adapters)
            names[f"model-{_fingerprint(*files)}"] = "\n".join([str(file or ""), *map(str, self.adapters)])
            del names["model"]
        return names


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoints:
    """Where the wanted servers answer; None for what was not wanted or is absent, and `notes` says why it is absent.

    `database_url` is the application's plain role, owner of nothing; `admin_database_url` is for migrations only.
    """

    database_url: str | None = None
    admin_database_url: str | None = None
    redis_url: str | None = None
    model_url: str | None = None
    model_token: str | None = None
    model_name: str | None = None
    notes: tuple[str, ...] = ()


def to_endpoints(wanted: Wanted, services: Mapping[str, Service]) -> Endpoints:
    """What settled services mean to this client. Raises EmbeddedError when one it cannot do without failed."""
    mine = {name.partition("-")[0]: service for name, service in services.items()}
    for name, service in mine.items():
        chosen = name == "model" and wanted.model_file is not None
        if service.phase != "ready" and (name == "database" or (chosen and service.phase == "failed")):
            raise EmbeddedError(service.detail)
    ready = {k: v for service in mine.values() if service.phase == "ready" for k, v in service.endpoints.items()}
    return Endpoints(**ready, notes=tuple(_notes(wanted, mine)))


def _notes(wanted: Wanted, services: Mapping[str, Service]) -> list[str]:
    """One sentence per wanted service that is absent: what, why with the remedy, and what follows."""
    notes = []
    for name, (what, effect) in WITHOUT.items():
        if getattr(wanted, name) and name in wanted.without:
            notes.append(f"{what}: switched off by VOCERO_EMBEDDED_WITHOUT; {effect}")
        elif name in services and services[name].phase != "ready":
            notes.append(f"{what}: {services[name].detail}; {effect}")
    return notes


def _fingerprint(*files: Path) -> str:
    words = "\n".join(f"{file} {file.stat().st_size} {file.stat().st_mtime_ns}" for file in files)
    return hashlib.sha256(words.encode("utf-8", "surrogateescape")).hexdigest()[:12]
