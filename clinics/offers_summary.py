"""What our own listings say of a treatment: how many clinics, where, and at what prices."""

from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from django.db.models import Count, Q

from treatments.models import Treatment

from .course_cost import Span
from .exchange import DEFAULT_CURRENCY, Rates, current_rates
from .models import Clinic, Offer
from .models.offer import FRESH_DAYS


@dataclass(frozen=True)
class PriceRange:
    """The lowest and highest price of one session among fresh prices, in `currency`."""

    low: Decimal
    high: Decimal
    currency: str
    fresh_count: int
    rate_date: date


@dataclass(frozen=True)
class OfferSummary:
    """How many published clinics offer a treatment, in how many countries, at what price.

    `prices` is None when no clinic has confirmed a price within the last half-year.
    `has_samples` says that fictional sample listings are among those counted.
    `lowest_prices` has (lowest price of one session in whole units, number of clinics)
    from the lowest price up, over the same offers as `prices`. `rates` converted them.
    """

    clinic_count: int
    country_count: int
    prices: PriceRange | None
    has_samples: bool
    lowest_prices: tuple[tuple[int, int], ...]
    rates: Rates


def offers_of_treatment(
    treatment: Treatment, today: date, currency: str = DEFAULT_CURRENCY
) -> OfferSummary:
    """Summarise the public offers of one treatment. Three queries.

    Only prices per session count, confirmed on or after `today` less 180 days, in a
    currency that we hold a rate for; anything else cannot be compared.
    """
    offers = Offer.objects.public().filter(treatment=treatment)
    totals = offers.aggregate(
        clinics=Count("clinic", distinct=True),
        countries=Count("clinic__place__country", distinct=True),
        samples=Count("clinic", filter=Q(clinic__is_sample=True), distinct=True),
    )
    rates = current_rates()
    priced = [
        (clinic, rates.convert(low, code, currency), rates.convert(high, code, currency))
        for clinic, low, high, code in offers.confirmed_since(today - timedelta(days=FRESH_DAYS))
        .filter(unit=Offer.Unit.SESSION, price_low__isnull=False)
        .values_list("clinic", "price_low", "price_high", "currency")
    ]
    priced = [(clinic, low, high) for clinic, low, high in priced if low is not None]
    prices = None
    if priced:
        prices = PriceRange(
            low=min(low for _, low, _ in priced),
            high=max(high for _, _, high in priced),
            currency=currency,
            fresh_count=len(priced),
            rate_date=rates.rate_date,
        )
    lowest: dict[int, int] = {}
    for clinic, low, _high in priced:
        lowest[clinic] = min(int(low), lowest.get(clinic, int(low)))
    return OfferSummary(
        totals["clinics"],
        totals["countries"],
        prices,
        has_samples=totals["samples"] > 0,
        lowest_prices=tuple(sorted(Counter(lowest.values()).items())),
        rates=rates,
    )


@dataclass(frozen=True)
class ListedPlans:
    """What clinics listed here plan and charge beside the price, over all their offers.

    A span is None when no clinic states it; a count says how many clinics do.
    `consultation` is in the currency that was asked for.
    """

    sessions: Span | None
    sessions_count: int
    consultation: Span | None
    consultation_count: int


def listed_plans(treatment: Treatment, rates: Rates, currency: str) -> ListedPlans:
    """Sessions and first consultations of the public offers of one treatment. One query."""
    rows = Offer.objects.public().filter(treatment=treatment)
    sessions, fees = {}, {}
    for clinic, low, high, fee, code in rows.values_list(
        "clinic", "sessions_low", "sessions_high", "consultation_fee", "currency"
    ):
        if low is not None:
            sessions.setdefault(clinic, []).extend((Decimal(low), Decimal(high)))
        converted = None if fee is None else rates.convert(fee, code, currency)
        if converted is not None:
            fees.setdefault(clinic, []).append(Decimal(converted))
    return ListedPlans(_span(sessions), len(sessions), _span(fees), len(fees))


def _span(stated: dict[int, list[Decimal]]) -> Span | None:
    every = [number for numbers in stated.values() for number in numbers]
    return Span(min(every), max(every)) if every else None


def clinic_counts_by_treatment() -> dict[int, int]:
    """How many published clinics offer each treatment, by its primary key. One query."""
    return dict(
        Offer.objects.public()
        .order_by()
        .values_list("treatment")
        .annotate(clinics=Count("clinic", distinct=True))
    )


def shows_sample_listings() -> bool:
    """Whether any fictional sample listing is public. One query."""
    return Clinic.objects.published().filter(is_sample=True).exists()
