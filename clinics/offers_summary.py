"""What our own listings say of a treatment: how many clinics, where, and at what prices."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from django.db.models import Count, Q

from treatments.models import Treatment

from .exchange import DEFAULT_CURRENCY, current_rates
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
    """

    clinic_count: int
    country_count: int
    prices: PriceRange | None
    has_samples: bool


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
        (rates.convert(low, code, currency), rates.convert(high, code, currency))
        for low, high, code in offers.confirmed_since(today - timedelta(days=FRESH_DAYS))
        .filter(unit=Offer.Unit.SESSION, price_low__isnull=False)
        .values_list("price_low", "price_high", "currency")
    ]
    priced = [(low, high) for low, high in priced if low is not None]
    prices = None
    if priced:
        prices = PriceRange(
            low=min(low for low, _ in priced),
            high=max(high for _, high in priced),
            currency=currency,
            fresh_count=len(priced),
            rate_date=rates.rate_date,
        )
    return OfferSummary(
        totals["clinics"], totals["countries"], prices, has_samples=totals["samples"] > 0
    )


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
