"""The figures that a cost starts from: what sources state, and what clinics listed here ask.

No request and no HTML. Every figure keeps what it was taken from, so that a page can name
it; an end that nobody states stays open.
"""

from dataclasses import dataclass
from decimal import Decimal

from treatments.evidence import TopicSummary, summarise, summarise_costs
from treatments.models import Claim

from .course_cost import Buys, Plan, PlannedCost, Span, planned_cost
from .offers_summary import OfferSummary


@dataclass(frozen=True)
class StatedPrice:
    """A price to begin with: of sources that agree on what it buys, or of our own listings.

    `summary` is None when clinics listed here ask it. Either end may be open (None).
    """

    low: Decimal | None
    high: Decimal | None
    currency: str
    buys: Buys
    summary: TopicSummary | None = None

    @property
    def span(self) -> Span | None:
        """Both ends, or None when one is open: half a range is no price to reckon with."""
        if self.low is None or self.high is None:
            return None
        return Span(self.low, self.high)

    @property
    def is_of_listings(self) -> bool:
        return self.summary is None


def stated_prices(claims: list[Claim], offers: OfferSummary | None) -> list[StatedPrice]:
    """Every price that can be begun with: those of sources first, the most often stated first."""
    prices = [
        StatedPrice(summary.low, summary.high, summary.currency, Buys(summary.per), summary)
        for summary in summarise_costs(claims)
        if summary.ranges
    ]
    if offers and offers.prices:
        asked = offers.prices
        low, high = Decimal(asked.low), Decimal(asked.high)
        prices.append(StatedPrice(low, high, asked.currency, Buys.SESSION))
    return prices


def stated_sessions(claims: list[Claim]) -> TopicSummary:
    """What sources say of the number of sessions; its unit may be another, such as weeks."""
    return summarise(claims, Claim.Topic.SESSIONS)


def sessions_span(summary: TopicSummary) -> Span | None:
    """The fewest and the most sessions of all sources; None when either end is open."""
    if summary.unit != Claim.Unit.SESSION or summary.low is None or summary.high is None:
        return None
    return Span(summary.low, summary.high)


@dataclass(frozen=True)
class StatedCost:
    """A course worked out from what is stated, with the price that it rests on.

    `may_be_more` when some source sets no upper end to the sessions or to the price.
    """

    price: StatedPrice
    planned: PlannedCost
    may_be_more: bool


def stated_cost(claims: list[Claim], offers: OfferSummary | None) -> StatedCost | None:
    """The course at the first stated price. None when nobody states one with both ends."""
    sessions = stated_sessions(claims)
    for price in stated_prices(claims, offers):
        if price.span is not None:
            plan = Plan(price.span, price.buys, sessions_span(sessions))
            return StatedCost(price, planned_cost(plan), _is_open(price.summary, sessions))
    return None


def _is_open(*summaries: TopicSummary | None) -> bool:
    return any(r.high is None for summary in summaries if summary for r in summary.ranges)
