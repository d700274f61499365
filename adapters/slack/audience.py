"""Who will see an answer in Slack, as scopes. Pure: the facts are fetched by `people`."""

from dataclasses import dataclass
from enum import StrEnum

from core.audience import WORKSPACE, Audience
from core.errors import RefusedError
from core.phrases import phrase


class Kind(StrEnum):
    """What a conversation is."""

    PUBLIC = "public"
    PRIVATE = "private"
    DIRECT = "direct"
    GROUP = "group"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the answer will stand. `shared`: people of another company read along. `guests`: guests do.

    `name`: as people call it, for people.
    """

    channel: str
    kind: Kind
    shared: bool = False
    guests: bool = False
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Who asks. `channels`: where they and the bot are members."""

    guest: bool = False
    external: bool = False
    bot: bool = False
    channels: frozenset[str] = frozenset()


def to_audience(place: Place, person: Person, *, alone: bool = False, tongue: str = "en") -> Audience:
    """Return the scopes that every reader holds; `alone`: only the asker will see it. RefusedError for outsiders.

    Guests and people of other companies are no members of the workspace: with them among the readers only the
    channel's own documents remain. A direct conversation holds what its one reader may see anywhere.
    """
    if person.external or person.bot:
        raise RefusedError(phrase("outsider", tongue))
    if alone or place.kind is Kind.DIRECT:
        return _alone(person, tongue)
    if place.kind is Kind.GROUP:
        if place.shared or place.guests or person.guest:
            raise RefusedError(phrase("guest", tongue))
        return Audience(frozenset({WORKSPACE}))
    own = f"channel:{place.channel}"
    if place.shared or place.guests or person.guest:
        return Audience(frozenset({own}))
    return Audience(frozenset({WORKSPACE, own}))


def restricted(audience: Audience) -> bool:
    """Whether the answer must do without the workspace's documents."""
    return not audience.may_see(WORKSPACE)


def _alone(person: Person, tongue: str) -> Audience:
    scopes = {f"channel:{channel}" for channel in person.channels} | (set() if person.guest else {WORKSPACE})
    if not scopes:
        raise RefusedError(phrase("guest", tongue))
    return Audience(frozenset(scopes))
