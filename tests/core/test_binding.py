"""A number belongs to its subject; two documents may give one subject two numbers."""

import pytest

from core.binding import bound
from core.conflict import rival
from core.extract import score
from core.grounding import SERVED, passed
from tests.core.passages import passage

TABLE = """## Deposits

| Tent | Deposit | Weekend |
|------|---------|---------|
| Wren 4 | £100 | £78 |
| Heron 6 | £180 | £132 |

The deposit is £100 for a Wren 4 and £180 for a Heron 6. It comes back within 3 days. A stove costs £28 a week.
"""


@pytest.mark.parametrize(
    ("claim", "holds"),
    [
        ("The deposit on the Heron 6 is £180.", True),
        ("The deposit on the Heron 6 is £100.", False),
        ("The deposit is £100 for a Heron 6.", False),
        ("A weekend with the Wren 4 costs £78.", True),
        ("A weekend with the Wren 4 costs £132.", False),
        ("The deposit for a Wren 4 is £78.", False),
        ("The deposit comes back within 3 days.", True),
        ("A stove is £28 a week.", True),
        ("The deposit is £100 for the Wren 4 and £180 for the Heron 6.", True),
    ],
)
def test_a_number_is_said_of_what_it_belongs_to(claim: str, holds: bool) -> None:
    """A neighbour's number in the same passage does not pass the guard, the right one does."""
    held = passage(TABLE, title="Hire terms")
    assert bound(claim, "What do I pay?", held) is holds
    assert (passed(f"{claim} [1]", [held], "What do I pay?", SERVED) is not None) is holds


def test_the_question_names_the_subject_too() -> None:
    """A short answer is bound to what was asked about."""
    held = passage(TABLE, title="Hire terms")
    assert bound("The deposit is £180.", "How much is the deposit for a Heron 6?", held)
    assert not bound("The deposit is £100.", "How much is the deposit for a Heron 6?", held)


@pytest.mark.parametrize(
    ("one", "other", "disagree"),
    [
        ("Refunds are paid within 14 days.", "Refunds are paid within 30 days.", True),
        ("Refunds are paid within 14 days.", "Refunds are paid to the card within 14 days.", False),
        ("Refunds are paid within 14 days.", "Refunds above £200 are paid by two people.", False),
        ("Refunds are paid within 14 days.", "Exchanges are sent within 5 days.", False),
    ],
)
async def test_documents_that_disagree_are_noticed(one: str, other: str, disagree: bool) -> None:
    """The same claim with another number of the same kind, in another document; else not."""
    passages = [passage(one, n=1), passage(other, n=2)]
    ranked = await score("How many days until refunds are paid?", passages, None)
    assert (rival(ranked, passages) is not None) is disagree


async def test_one_document_does_not_disagree_with_itself() -> None:
    """Two rows of a price list are no contradiction."""
    passages = [passage("Refunds are paid within 14 days.\n\nRefunds are paid within 30 days.", n=1)]
    assert rival(await score("How many days until refunds are paid?", passages, None), passages) is None
