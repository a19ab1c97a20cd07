"""Prices of our own listings as bars, with the prices that sources state laid over them."""

from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal

from treatments.evidence import SourceRange, TopicSummary
from treatments.models import Claim

from .histogram import BARS, Histogram, price_histogram
from .offers_summary import OfferSummary

# How many times wider than the bars the drawing may become. Beyond, bars are too narrow to see.
_WIDEST = 6


@dataclass(frozen=True)
class StatedBand:
    """What one source states for one session, in the currency of the bars.

    `low` and `high` are converted at the rates of the listings, or the source's own when
    it speaks of the same currency; None is an open end. `x` and `width` are per cent of
    the drawing. `is_beyond` says that it goes on past the right edge.
    """

    range: SourceRange
    low: Decimal | None
    high: Decimal | None
    is_converted: bool
    x: Decimal
    width: Decimal
    is_beyond: bool


@dataclass(frozen=True)
class PricePicture:
    """A histogram of our listings, bands of sources over it, and what cannot be laid over it.

    `top` is the price at the right edge, and `ticks` are the prices written below it. The
    bars take `bars_width` per cent of the drawing: less than all where sources ask more.

    `for_something_else` are amounts that buy an area or a course, `without_rate` amounts in
    a currency of which we hold no rate.
    """

    histogram: Histogram
    top: int
    bars_width: Decimal
    bands: tuple[StatedBand, ...]
    for_something_else: tuple[SourceRange, ...]
    without_rate: tuple[SourceRange, ...]

    @property
    def ticks(self) -> tuple[int, int, int]:
        """Nothing, half way, and the right edge."""
        return (0, self.top // 2, self.top)

    @property
    def is_converted(self) -> bool:
        """Whether any band needed a rate."""
        return any(band.is_converted for band in self.bands)


def price_picture(offers: OfferSummary, costs: list[TopicSummary]) -> PricePicture | None:
    """Draw the listings' prices of one session. None with fewer than two clinics."""
    if offers.prices is None:
        return None
    currency = offers.prices.currency
    histogram = price_histogram(offers.lowest_prices, currency, None, None)
    if histogram is None:
        return None
    stated = [stated for summary in costs for stated in summary.ranges]
    a_session = [s for s in stated if s.claim.per == Claim.Per.SESSION]
    in_currency, without_rate = [], []
    for one in a_session:
        low, high = (_converted(end, one.claim.currency, offers) for end in (one.low, one.high))
        if (low is None) != (one.low is None) or (high is None) != (one.high is None):
            without_rate.append(one)
        else:
            in_currency.append((one, low, high))
    bars_top = histogram.bars[-1].high
    top = _top(bars_top, [end for _one, *ends in in_currency for end in ends if end is not None])
    return PricePicture(
        histogram,
        top,
        round(Decimal(bars_top) * 100 / top, 2),
        tuple(_band(*entry, currency, top) for entry in in_currency),
        for_something_else=tuple(s for s in stated if s not in a_session),
        without_rate=tuple(without_rate),
    )


def _top(bars_top: int, ends: list[Decimal]) -> int:
    """The bars' own top, or as many bars further as sources ask, at most to _WIDEST times."""
    step = bars_top // BARS
    further = max((int((end / step).to_integral_value(ROUND_CEILING)) for end in ends), default=0)
    return step * min(max(further, BARS), BARS * _WIDEST)


def _converted(end: Decimal | None, code: str, offers: OfferSummary) -> Decimal | None:
    if end is None or code == offers.prices.currency:
        return end
    amount = offers.rates.convert(end, code, offers.prices.currency)
    return None if amount is None else Decimal(amount)


def _band(one: SourceRange, low, high, currency: str, top: int) -> StatedBand:
    start = min(low if low is not None else Decimal(0), Decimal(top))
    end = min(high if high is not None else Decimal(top), Decimal(top))
    x = round(start * 100 / top, 2)
    return StatedBand(
        one,
        low,
        high,
        is_converted=one.claim.currency != currency,
        x=x,
        width=round(end * 100 / top, 2) - x,
        is_beyond=high is None or high > top,
    )
