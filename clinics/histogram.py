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


def _nice_step(span: Decimal) -> int:
    """The smallest of 1, 2, 5, 10, 20, 25, 50 ... that covers `span` in twelve bars."""
    step = 1
    while True:
        for factor in (Decimal(1), Decimal(2), Decimal("2.5"), Decimal(5)):
            if factor * step == int(factor * step) and factor * step * BARS >= span:
                return int(factor * step)
        step *= 10


def price_histogram(
    prices: tuple[Decimal, ...],
    currency: str,
    chosen_low: Decimal | None,
    chosen_high: Decimal | None,
) -> Histogram | None:
    """Sort `prices` into twelve bars. None with fewer than two prices.

    The bars reach to the price that 95 of 100 clinics stay below, so that one very dear
    clinic does not press all others into a single bar. A bar is chosen when it overlaps
    the visitor's range; without a range all are.
    """
    if len(prices) < 2:
        return None
    ordered = sorted(prices)
    step = _nice_step(ordered[int(len(ordered) * 0.95)] + 1)
    counts = [0] * BARS
    for price in ordered:
        counts[min(int(price) // step, BARS - 1)] += 1
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
    return Histogram(tuple(bars), currency, int(ordered[0]), int(ordered[-1]), len(ordered))
