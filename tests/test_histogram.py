"""The price histogram, and how money is written."""

from collections import Counter
from decimal import Decimal

import pytest
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from clinics.histogram import BARS, HEIGHT, WIDTH, price_histogram
from treatments.templatetags.money import money, money_range

amounts = st.lists(st.integers(0, 10**7), min_size=2, max_size=60)


def counted(amounts):
    """What `price_histogram` reads: (price, number of clinics) from the lowest up."""
    return tuple(sorted(Counter(amounts).items()))


@given(amounts)
def test_every_price_is_in_one_bar_and_every_bar_inside_the_drawing(prices):
    drawn = price_histogram(counted(prices), "EUR", None, None)
    assert sum(bar.count for bar in drawn.bars) == len(prices)
    assert len(drawn.bars) == BARS
    assert all(bar.is_chosen for bar in drawn.bars)
    for bar in drawn.bars:
        assert 0 <= bar.x <= bar.x + bar.width <= WIDTH
        assert 0 <= bar.y <= bar.y + bar.height <= HEIGHT
    assert (drawn.low, drawn.high) == (min(prices), max(prices))


def test_bars_inside_the_visitors_range_are_chosen():
    prices = counted(range(0, 120, 10))
    drawn = price_histogram(prices, "EUR", Decimal(35), Decimal(55))
    assert [(bar.low, bar.high) for bar in drawn.bars if bar.is_chosen] == [
        (30, 40),
        (40, 50),
        (50, 60),
    ]


def test_one_price_is_no_histogram():
    assert price_histogram(counted([5]), "EUR", None, None) is None


@pytest.mark.parametrize(
    ("amount", "currency", "written"),
    [
        (Decimal("1200.00"), "EUR", "€1,200"),
        (Decimal("99.50"), "GBP", "£99.50"),
        (Decimal("9000"), "JPY", "¥9,000"),
        (Decimal("1.5"), "KWD", "KWD\xa01.500"),
        (None, "EUR", ""),
    ],
)
def test_money_is_written_with_its_own_decimals(amount, currency, written):
    assert money(amount, currency) == written


def test_money_follows_the_language_of_the_page():
    with translation.override("de"):
        assert money(Decimal(1200), "EUR") == "1.200\xa0€"


def test_a_range_of_one_amount_is_that_amount():
    assert money_range(Decimal(5), Decimal(5), "EUR") == "€5"
    assert money_range(Decimal(5), Decimal(7), "EUR") == "€5 to €7"
    assert money_range(None, None, "EUR") == ""
