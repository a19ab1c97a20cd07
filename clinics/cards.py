"""What a result card says: why the clinic stands here, what it costs, what it has not said."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from .course_cost import CourseCost, course_cost, package_cost
from .exchange import Rates
from .models import Check, Clinic, Offer, Practitioner
from .search import Selection


@dataclass(frozen=True)
class Converted:
    """An approximate range in the visitor's currency, and the day of the rate."""

    low: Decimal
    high: Decimal
    currency: str
    rate_date: date


@dataclass(frozen=True)
class PricedOffer:
    """An offer with what its course costs and how old its price is.

    `package` is the course the clinic sells at one price, None when it sells none.
    `converted` is the course, or else the session, in the visitor's currency; None when
    that is the offer's own currency or no rate is held.
    """

    offer: Offer
    freshness: Offer.Freshness
    course: CourseCost
    package: CourseCost | None
    converted: Converted | None

    @property
    def is_stale(self) -> bool:
        return self.freshness in (Offer.Freshness.STALE, Offer.Freshness.NEVER)

    @property
    def is_ageing(self) -> bool:
        return self.freshness == Offer.Freshness.AGEING


def priced(offer: Offer, rates: Rates, today: date, currency: str) -> PricedOffer:
    """Work out one offer's costs. No query when its currency is loaded."""
    course = course_cost(
        price_low=offer.price_low,
        price_high=offer.price_high,
        unit=offer.unit,
        sessions_low=offer.sessions_low,
        sessions_high=offer.sessions_high,
        consultation_fee=offer.consultation_fee,
    )
    package = None
    if offer.course_price is not None:
        package = package_cost(
            course_price=offer.course_price,
            course_sessions=offer.course_sessions,
            consultation_fee=offer.consultation_fee,
        )
    low, high = (
        (course.low, course.high) if course.is_known else (offer.price_low, offer.price_high)
    )
    return PricedOffer(
        offer=offer,
        freshness=offer.freshness(today),
        course=course,
        package=package,
        converted=_converted(low, high, offer.currency_id, rates, currency),
    )


def _converted(low, high, code, rates: Rates, currency: str) -> Converted | None:
    if low is None or code == currency:
        return None
    converted = rates.convert(low, code, currency), rates.convert(high, code, currency)
    return None if None in converted else Converted(*converted, currency, rates.rate_date)


@dataclass(frozen=True)
class ClinicCard:
    """One result of the directory.

    `shown` is the matching offer with the best-known price; `other_matches` counts the
    rest. `checks` are confirmed and unexpired, the newest of each kind.
    """

    clinic: Clinic
    shown: PricedOffer | None
    other_matches: int
    treatment_names: tuple[str, ...]
    checks: tuple[Check, ...]
    injectors: tuple[str, ...]
    matched_by_offer: bool

    @property
    def names_product(self) -> bool:
        return self.shown is not None and self.shown.offer.names_product


def _by_usefulness(priced_offer: PricedOffer):
    freshness = list(Offer.Freshness).index(priced_offer.freshness)
    offer = priced_offer.offer
    return (not offer.has_price, freshness, offer.price_low or 0, offer.pk)


def card(
    clinic: Clinic, offer_ids: tuple[int, ...], selection: Selection, rates: Rates, today: date
) -> ClinicCard:
    """Build the card of one clinic loaded `with_card_details()`. No query.

    `offer_ids` are the offers that made it match; empty when nothing was asked of offers.
    """
    public = [offer for offer in clinic.offers.all() if offer.treatment.is_published]
    matching = [offer for offer in public if offer.pk in offer_ids] if offer_ids else public
    ranked = sorted(
        (priced(offer, rates, today, selection.currency) for offer in matching),
        key=_by_usefulness,
    )
    return ClinicCard(
        clinic=clinic,
        shown=ranked[0] if ranked else None,
        other_matches=max(0, len(ranked) - 1),
        treatment_names=tuple(dict.fromkeys(offer.treatment.short_name for offer in matching)),
        checks=confirmed_checks(clinic, today),
        injectors=_professions(clinic),
        matched_by_offer=bool(offer_ids),
    )


def confirmed_checks(clinic: Clinic, today: date) -> tuple[Check, ...]:
    """The newest confirmed and unexpired check of each kind. No query when loaded."""
    newest: dict[str, Check] = {}
    for check in sorted(clinic.checks.all(), key=lambda check: check.checked_on):
        if check.state(today) == Check.State.CONFIRMED:
            newest[check.kind] = check
    return tuple(newest[kind] for kind in Check.Kind.values if kind in newest)


def _professions(clinic: Clinic) -> tuple[str, ...]:
    held = {practitioner.profession for practitioner in clinic.practitioners.all()}
    return tuple(str(label) for value, label in Practitioner.Profession.choices if value in held)
