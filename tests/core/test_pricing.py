"""Money: by the user's prices and what was measured, never by a guess."""

import math

import pytest

from core.errors import InputError
from core.pricing import Prices


def test_a_thousand_answers_cost_their_time_and_their_tokens():
    """Two seconds at 3.60 an hour are .002, as are a thousand tokens in at 1 and a hundred out at 10 a million."""
    assert Prices(hour=3.6).answers(seconds=2, tokens_in=None, tokens_out=9) == pytest.approx(2.0)
    by_token = Prices(tokens_in=1, tokens_out=10)
    assert by_token.answers(seconds=2, tokens_in=1000, tokens_out=100) == pytest.approx(2.0)
    both = Prices(hour=3.6, tokens_in=1, tokens_out=10)
    assert both.answers(seconds=2, tokens_in=1000, tokens_out=100) == pytest.approx(4.0)


def test_nothing_is_priced_that_is_not_known():
    """No prices, no cost; and none where tokens in have a price and the server did not count them."""
    assert Prices().answers(seconds=2, tokens_in=5, tokens_out=5) is None
    assert Prices(tokens_in=1).answers(seconds=2, tokens_in=None, tokens_out=5) is None
    assert Prices(tokens_in=1).training(60) is None
    assert Prices(hour=3.6).training(3600) == pytest.approx(3.6)


@pytest.mark.parametrize("price", [-1.0, math.nan, math.inf])
def test_a_price_is_a_number_from_nought(price: float):
    """Anything else is refused with the options' names."""
    with pytest.raises(InputError, match="--price-hour"):
        Prices(hour=price)
