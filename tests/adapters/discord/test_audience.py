"""Who sees an answer in Discord, row by row."""

import pytest

from adapters.discord.audience import Kind, Person, Place, to_audience, to_default_scope

ANYONE = Person(user="1", channels=frozenset({"7", "8"}))
TEXT = Place(guild="g", channel="7")
HIDDEN = Place(guild="g", channel="8", open=False)
THREAD = Place(guild="g", channel="70", parent="7", kind=Kind.THREAD)
PRIVATE = Place(guild="g", channel="71", parent="7", kind=Kind.PRIVATE_THREAD)
POST = Place(guild="g", channel="90", parent="9", kind=Kind.POST)
PREVIEW = Place(guild="g", channel="7", strangers=True)
DIRECT = Place(guild="g", channel="5", kind=Kind.DIRECT)

# place, alone, the scopes, where a new document goes when nobody says
ROWS = [
    (TEXT, False, {"workspace", "channel:7"}, "workspace"),
    (TEXT, True, {"workspace", "channel:7", "channel:8"}, "workspace"),
    (HIDDEN, False, {"workspace", "channel:8"}, "channel:8"),
    (THREAD, False, {"workspace", "channel:7", "channel:70"}, "workspace"),
    (PRIVATE, False, {"workspace", "channel:7", "channel:71"}, "channel:71"),
    (POST, False, {"workspace", "channel:9", "channel:90"}, "workspace"),
    (PREVIEW, False, {"channel:7"}, "workspace"),
    (PREVIEW, True, {"workspace", "channel:7", "channel:8"}, "workspace"),
    (DIRECT, False, {"workspace", "channel:7", "channel:8"}, "workspace"),
]


@pytest.mark.parametrize(("place", "alone", "scopes", "scope"), ROWS)
def test_the_audience_of_a_place(place: Place, alone: bool, scopes: set[str], scope: str) -> None:
    """Everyone who reads holds every scope; strangers hold none but the channel's."""
    person = ANYONE if alone or place.kind is Kind.DIRECT else Person(user="1")
    assert to_audience(place, person, alone=alone).scopes == scopes
    assert to_default_scope(place) == scope


def test_nobody_gains_by_asking_in_public() -> None:
    """What is answered aloud is never more than what each reader may see alone."""
    reader = Person(user="2", channels=frozenset({"7", "70", "71", "9", "90", "8"}))
    for place, *_ in ROWS:
        aloud = to_audience(place, Person(user="1"))
        assert aloud.scopes <= to_audience(place, reader, alone=True).scopes
