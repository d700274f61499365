"""Who will see an answer in Discord, as scopes. Pure: the facts are read by `facts`."""

from dataclasses import dataclass
from enum import StrEnum

from core.audience import WORKSPACE, Audience


class Kind(StrEnum):
    """What a conversation is."""

    TEXT = "text"
    THREAD = "thread"
    PRIVATE_THREAD = "private_thread"
    POST = "post"
    DIRECT = "direct"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where an answer will stand. `parent`: of a thread or a forum's post, which is seen by whoever sees its parent.

    `strangers`: people who are no members can read here, since the server is open to a preview. `open`: every member
    can.
    """

    guild: str
    channel: str
    kind: Kind = Kind.TEXT
    parent: str = ""
    strangers: bool = False
    open: bool = True

    @property
    def room(self) -> str:
        """The channel that settings and documents belong to: a thread's is its parent."""
        return self.parent or self.channel

    @property
    def scopes(self) -> frozenset[str]:
        """What everyone who sees this place holds beside the workspace."""
        if self.kind is Kind.DIRECT:
            return frozenset()
        return frozenset({f"channel:{self.room}", f"channel:{self.channel}"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Who asks. `channels`: those of the server that they can see, by its roles and overwrites."""

    user: str
    manages: bool = False
    roles: frozenset[str] = frozenset()
    channels: frozenset[str] = frozenset()


def to_audience(place: Place, person: Person, *, alone: bool = False) -> Audience:
    """Return the scopes that every reader holds; `alone`: only the asker will see it.

    Whoever reads in a server is its member and may see what is for all; but where strangers read along, only the
    channel's own documents remain. A direct conversation holds what its one reader may see anywhere.
    """
    if alone or place.kind is Kind.DIRECT:
        return Audience(frozenset({WORKSPACE, *place.scopes, *(f"channel:{c}" for c in person.channels)}))
    if place.strangers:
        return Audience(place.scopes)
    return Audience(frozenset({WORKSPACE, *place.scopes}))


def to_default_scope(place: Place) -> str:
    """Return who a new document is for when nobody said: everyone, or in a hidden place those who see it."""
    if place.kind is Kind.PRIVATE_THREAD:
        return f"channel:{place.channel}"
    return WORKSPACE if place.open or place.kind is Kind.DIRECT else f"channel:{place.room}"
