"""The audience rule."""

import pytest

from core.audience import EVERYONE, Audience, to_audience
from core.errors import InputError


@pytest.mark.parametrize(
    ("scopes", "collection", "may"),
    [
        (["workspace"], "workspace", True),
        (["workspace"], "channel:C1", False),
        (["workspace", "channel:C1"], "channel:C1", True),
        (["channel:C1"], "workspace", False),
        (["channel:C1"], "channel:C2", False),
    ],
)
def test_only_what_every_reader_may_see(scopes: list[str], collection: str, may: bool) -> None:
    """A collection is readable only by an audience that holds its scope."""
    assert to_audience(scopes).may_see(collection) is may


@pytest.mark.parametrize("scope", ["", "everything", "channel:", "channel:a b", "workspace\n", "channel:x\x00"])
def test_an_unknown_scope_is_refused(scope: str) -> None:
    """There is no spelling that means everything."""
    with pytest.raises(InputError):
        to_audience([scope])


def test_nobody_is_no_audience() -> None:
    """An empty set of scopes is refused, not read as all."""
    with pytest.raises(InputError):
        Audience(frozenset())


def test_the_fingerprint_tells_audiences_apart() -> None:
    """Equal scopes in any order share one, others do not; separators cannot be forged."""
    assert to_audience(["channel:C1", "workspace"]).fingerprint == to_audience(["workspace", "channel:C1"]).fingerprint
    assert to_audience(["channel:C1", "channel:C2"]).fingerprint != to_audience(["channel:C1C2"]).fingerprint
    assert to_audience(None) == EVERYONE
