"""The price histogram: how many clinics ask how much for a session. Numbers only."""

from dataclasses import dataclass
from decimal import Decimal

BARS = 12
# The drawing is 240 by 56 units; every bar is one twelfth wide with a gap.
WIDTH, HEIGHT = 240, 56
_STEP = WIDTH // BARS


@dataclass(frozen=True)
class Bar:
    """One bar: prices from `low` up to, not including, `high`, and where to draw it."""

    low: int
    high: int
    count: int
    is_chosen: bool
    x: int
    y: int
    height: int
    width: int = _STEP - 2


@dataclass(frozen=True)
class Histogram:
    """Bars of equal width over prices in `currency`; the last one holds everything above."""

    bars: tuple[Bar, ...]
    currency: str
    low: int
    high: int
    count: int
    width: int = WIDTH
    height: int = HEIGHT


def _nice_step(span: int) -> int:
    """The smallest of 1, 2, 5, 10, 20, 25, 50 ... that covers `span` in twelve bars."""
    step = 1
    while True:
        for factor in (Decimal(1), Decimal(2), Decimal("2.5"), Decimal(5)):
            if factor * step == int(factor * step) and factor * step * BARS >= span:
                return int(factor * step)
        step *= 10


def price_histogram(
    prices: tuple[tuple[int, int], ...],
    currency: str,
    chosen_low: Decimal | None,
    chosen_high: Decimal | None,
) -> Histogram | None:
    """Sort clinics into twelve bars by price. None with fewer than two clinics.

    `prices` are (whole price, number of clinics) from the lowest price up. The bars reach
    to the price that 95 of 100 clinics stay below, so that one very dear clinic does not
    press all others into a single bar. A bar is chosen when it overlaps the visitor's
    range; without a range all are.
    """
    total = sum(clinics for _price, clinics in prices)
    if total < 2:
        return None
    step = _nice_step(_price_at(prices, int(total * 0.95)) + 1)
    counts = [0] * BARS
    for price, clinics in prices:
        counts[min(price // step, BARS - 1)] += clinics
    tallest = max(counts)
    bars = []
    for index, count in enumerate(counts):
        low, high = index * step, (index + 1) * step
        # Something is always seen of a bar that holds anything.
        tall = max(3, round(count / tallest * HEIGHT)) if count else 1
        below = chosen_high is not None and low > chosen_high
        above = chosen_low is not None and high <= chosen_low and index < BARS - 1
        bars.append(
            Bar(low, high, count, not (below or above), index * _STEP + 1, HEIGHT - tall, tall)
        )
    return Histogram(tuple(bars), currency, prices[0][0], prices[-1][0], total)


def _price_at(prices: tuple[tuple[int, int], ...], position: int) -> int:
    """The price of the clinic at `position`, from 0, when all stand in order of price."""
    for price, clinics in prices:
        position -= clinics
        if position < 0:
            return price
    return prices[-1][0]
