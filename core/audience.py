"""Who will see an answer, and what it may therefore use.

An answer may use only what *everyone who will see it* may see. A scope names one such right: `workspace` (every
member) or `channel:ID` (every member of that channel). Documents stand in collections, a collection has exactly one
scope, and an audience is the set of scopes that all readers hold.
"""

import hashlib
import re
from dataclasses import dataclass

from core.errors import InputError

WORKSPACE = "workspace"
_SCOPE = re.compile(r"workspace|channel:[^\s\x00-\x1f]{1,200}")


@dataclass(frozen=True, slots=True)
class Audience:
    """The scopes that every reader of the answer holds; never empty.

    `collections`: the room wants answers from these only; empty: from all that its readers may see. They only ever take
    away: a collection named here is read only if its scope is held, too.
    """

    scopes: frozenset[str]
    collections: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        if not self.scopes:
            raise InputError("An answer needs an audience: name at least one scope, such as workspace.")
        for scope in self.scopes:
            to_scope(scope)

    @property
    def fingerprint(self) -> str:
        """16 hex digits that two audiences share only if they hold the same scopes and want the same collections."""
        wanted = ["", *sorted(self.collections)] if self.collections else []
        return hashlib.sha256("\n".join([*sorted(self.scopes), *wanted]).encode()).hexdigest()[:16]

    def wants(self, collection: str) -> bool:
        """Whether answers may come from this collection, as far as the room's wish goes."""
        return not self.collections or collection in self.collections

    def may_see(self, scope: str) -> bool:
        """Whether every reader may see a collection of this scope."""
        return scope in self.scopes


def to_scope(text: str) -> str:
    """Return a scope's one spelling; raise InputError for anything that is none."""
    if not _SCOPE.fullmatch(text):
        raise InputError(f"{text[:80]!r} is no scope: use workspace or channel:ID.")
    return text


def to_audience(scopes: "list[str] | tuple[str, ...] | None") -> Audience:
    """Return the audience of the scopes named, `workspace` when none is."""
    return Audience(frozenset(scopes or (WORKSPACE,)))


EVERYONE = Audience(frozenset({WORKSPACE}))
