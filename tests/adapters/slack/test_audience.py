"""Who sees what: every kind of conversation with every kind of person."""

import pytest

from adapters.slack.audience import Kind, Person, Place, restricted, to_audience
from core.errors import RefusedError

MEMBER = Person(channels=frozenset({"C1", "C2"}))
GUEST = Person(guest=True, channels=frozenset({"C1"}))
LONELY = Person(guest=True)
STRANGER, BOT = Person(external=True), Person(bot=True)
PUBLIC, PRIVATE = Place(channel="C1", kind=Kind.PUBLIC), Place(channel="C1", kind=Kind.PRIVATE)
SHARED = Place(channel="C1", kind=Kind.PUBLIC, shared=True)
WITH_GUESTS = Place(channel="C1", kind=Kind.PRIVATE, guests=True)
DIRECT, GROUP = Place(channel="D1", kind=Kind.DIRECT), Place(channel="G1", kind=Kind.GROUP)
GROUP_SHARED = Place(channel="G1", kind=Kind.GROUP, shared=True)

TABLE = [
    (PUBLIC, MEMBER, {"workspace", "channel:C1"}),
    (PRIVATE, MEMBER, {"workspace", "channel:C1"}),
    (SHARED, MEMBER, {"channel:C1"}),
    (WITH_GUESTS, MEMBER, {"channel:C1"}),
    (DIRECT, MEMBER, {"workspace", "channel:C1", "channel:C2"}),
    (GROUP, MEMBER, {"workspace"}),
    (GROUP_SHARED, MEMBER, None),
    (PUBLIC, GUEST, {"channel:C1"}),
    (PRIVATE, GUEST, {"channel:C1"}),
    (SHARED, GUEST, {"channel:C1"}),
    (DIRECT, GUEST, {"channel:C1"}),
    (DIRECT, LONELY, None),
    (GROUP, GUEST, None),
    *[(place, who, None) for place in (PUBLIC, PRIVATE, SHARED, DIRECT, GROUP) for who in (STRANGER, BOT)],
]


@pytest.mark.parametrize(("place", "who", "scopes"), TABLE)
def test_scopes(place: Place, who: Person, scopes: set[str] | None) -> None:
    """The scopes that every reader holds; None where the bot does not answer."""
    if scopes is None:
        with pytest.raises(RefusedError):
            to_audience(place, who)
    else:
        audience = to_audience(place, who)
        assert set(audience.scopes) == scopes
        assert restricted(audience) == ("workspace" not in scopes)


@pytest.mark.parametrize("place", [PUBLIC, SHARED, WITH_GUESTS])
def test_a_whisper_has_one_reader(place: Place) -> None:
    """What only the asker sees may use all that the asker may see, wherever they ask."""
    assert set(to_audience(place, MEMBER, alone=True).scopes) == {"workspace", "channel:C1", "channel:C2"}
    assert set(to_audience(place, GUEST, alone=True).scopes) == {"channel:C1"}
