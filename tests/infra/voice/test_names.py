"""Names of people: how many of those planted are found, and what is left alone. The figures stand in docs/voice.md."""

import pytest

from infra import handbook
from infra.voice import names
from infra.voice.scrub import scrub

# Half of them on the list of given names and half not, of several languages, written before the finder was.
PEOPLE = (
    *("Maria López", "Priya Raman", "Hans Weber", "Olivia Grant", "Mateo Fuentes", "Fatima Haddad", "Ian McAllister"),
    *("Xun Zhao", "Adaeze Okonkwo", "Siobhan Kelly", "Bjarne Holm", "Itziar Aguirre", "Thabo Mokoena", "Wojciech Lis"),
)
# Where a name stands: three with a cue or title, three without.
WITH_CUE = (
    "My name is {}, and my tent leaks.",
    "Please speak to {} about the refund.",
    "The form was approved by {} yesterday.",
    "Saludos, {}",
    "Dr. {} called about the order.",
    "Habla con {} sobre el pedido.",
)
WITHOUT = (
    "Yesterday {} returned two sleeping bags.",
    "The deposit of {} is still open.",
    "Escribió {} que la tienda llegó tarde.",
)


def recall(frames: tuple[str, ...], people: tuple[str, ...]) -> float:
    """Return the share of planted names of which no part is left."""
    planted = [(frame.format(person), person) for frame in frames for person in people]
    return sum(not set(person.split()) & set(scrub(text)[0].split()) for text, person in planted) / len(planted)


@pytest.mark.parametrize(
    ("frames", "people", "least"),
    [
        (WITH_CUE, PEOPLE[:7], 1.0),
        (WITH_CUE, PEOPLE[7:], 1.0),
        (WITHOUT, PEOPLE[:7], 1.0),
    ],
    ids=["known names with a cue", "unknown names with a cue", "known names alone"],
)
def test_planted_names_are_found(frames: tuple[str, ...], people: tuple[str, ...], least: float):
    """A cue finds any name, the list finds its own wherever they stand."""
    assert recall(frames, people) >= least


def test_unknown_names_without_a_cue_are_the_known_gap():
    """What is documented as not found is not found: when this fails, the documentation has to be bettered."""
    assert recall(WITHOUT, PEOPLE[7:]) < 0.1


def test_products_places_and_months_are_no_names():
    """Of the handbook's answers, which name no person, nothing is taken for one."""
    answers = [q.answer for q in handbook.questions()]
    assert [a for a in answers if names.spans(a)] == []
    assert names.spans("Contact Support on Monday; ask for The Wren 4 in May.") == []
