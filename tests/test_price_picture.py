"""Prices of our own listings with the prices of sources over them."""

import datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinics.exchange import Rates
from clinics.offers_summary import OfferSummary, PriceRange
from clinics.price_picture import price_picture
from tests.claim_strategies import PRICES, SOURCES, claim, claim_lists
from treatments.evidence import summarise_costs
from treatments.models import Claim

TRIAL, _REGULATOR, CLINIC, *_OTHERS = SOURCES
RATES = Rates({"EUR": Decimal(1), "USD": Decimal(2)}, datetime.date(2026, 11, 2))
lowest = st.lists(st.integers(1, 5000), min_size=2, max_size=20)


def listed(*prices, currency="EUR") -> OfferSummary:
    """Clinics that ask these prices for a session, one each."""
    return OfferSummary(
        clinic_count=len(prices),
        country_count=1,
        prices=PriceRange(min(prices), max(prices), currency, len(prices), RATES.rate_date)
        if prices
        else None,
        has_samples=False,
        lowest_prices=tuple((price, prices.count(price)) for price in sorted(set(prices))),
        rates=RATES,
    )


def cost(reference, source, low, high, currency="USD", per=Claim.Per.SESSION):
    """A claim on a price."""
    values = {"topic": "cost", "unit": "money", "currency": currency, "per": per}
    return claim(reference, source, low, high, **values)


@given(lowest, claim_lists(PRICES, Claim.Topic.COST))
def test_every_price_of_a_source_is_drawn_inside_or_said_to_be_left_out(prices, claims):
    picture = price_picture(listed(*prices), summarise_costs(claims))
    stated = {c.reference for c in claims if c.low is not None or c.high is not None}
    drawn = [band.range.claim.reference for band in picture.bands]
    left = [r.claim.reference for r in (*picture.for_something_else, *picture.without_rate)]
    assert sorted(drawn + left) == sorted(stated)
    for band in picture.bands:
        assert 0 <= band.x <= band.x + band.width <= 100
        assert band.range.claim.per == Claim.Per.SESSION
    assert 0 < picture.bars_width <= 100


def test_a_price_is_laid_over_at_the_stored_rate_and_said_to_be_converted():
    costs = summarise_costs([cost("a", TRIAL, 200, 600), cost("b", CLINIC, 120, 120, "EUR")])
    picture = price_picture(listed(50, 100, 150), costs)
    bands = {band.range.claim.reference: band for band in picture.bands}
    assert (bands["a"].low, bands["a"].high, bands["a"].is_converted) == (100, 300, True)
    assert (bands["b"].low, bands["b"].high, bands["b"].is_converted) == (120, 120, False)
    assert bands["b"].width == 0


def test_the_scale_widens_until_the_prices_of_sources_fit():
    near = price_picture(listed(50, 100, 150), summarise_costs([cost("a", TRIAL, 100, 200)]))
    assert (near.top, near.bars_width) == (near.histogram.bars[-1].high, 100)
    far = price_picture(listed(50, 100, 150), summarise_costs([cost("a", TRIAL, 200, 800)]))
    assert far.top >= 400 > far.top - far.histogram.bars[0].high
    assert far.bars_width < 100
    assert not far.bands[0].is_beyond


def test_a_price_far_beyond_the_bars_is_said_to_go_on():
    picture = price_picture(listed(5, 6), summarise_costs([cost("a", TRIAL, 2, 90_000)]))
    assert picture.bands[0].is_beyond
    assert picture.bands[0].x + picture.bands[0].width == 100


def test_a_price_without_a_rate_or_for_an_area_is_not_drawn():
    costs = [cost("a", TRIAL, 200, 600, "XTS"), cost("b", CLINIC, 250, 400, per=Claim.Per.AREA)]
    picture = price_picture(listed(50, 100), summarise_costs(costs))
    assert picture.bands == ()
    assert [r.claim.reference for r in picture.without_rate] == ["a"]
    assert [r.claim.reference for r in picture.for_something_else] == ["b"]


@pytest.mark.parametrize("prices", [(), (100,)])
def test_fewer_than_two_clinics_are_no_picture(prices):
    assert price_picture(listed(*prices), []) is None
