"""What a result card says: why the clinic stands here, what it costs, what it has not said."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache, partial
from typing import NamedTuple

from django.utils.formats import date_format
from django.utils.translation import get_language, gettext_lazy, ngettext
from django.utils.translation import gettext as _

from treatments.templatetags.money import money_range

from .course_cost import CourseCost, Reason, course_cost, package_cost
from .exchange import Rates
from .listed_clinics import ListedClinic, ListedOffer
from .models import Check, Offer


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

    offer: Offer | ListedOffer
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

    @property
    def age(self) -> str:
        """How old the clinic's word on the price is, in words."""
        return _age(self.freshness, self.offer.price_confirmed_on, get_language())

    @property
    def why_no_course(self) -> str:
        """Why the cost of a course cannot be worked out, in words; "" when it can."""
        return "" if self.course.is_known else str(_WHY_NO_COURSE[self.course.reason])


def priced(offer: Offer | ListedOffer, rates: Rates, today: date, currency: str) -> PricedOffer:
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


class PriceLine(NamedTuple):
    """A line of words under the price; `is_doubtful` when they say not to rely on it."""

    words: str
    is_doubtful: bool = False


@dataclass(frozen=True)
class ClinicCard:
    """One result of the directory, in words of the page's language.

    `about` says where and what the clinic is. `checks` are confirmed and unexpired.
    `injectors` is "" when the clinic has not said who injects. `names_product` is about the
    offer whose price is shown, None without an offer. `amount` is "" when no price is stated.
    """

    clinic: ListedClinic
    about: str
    checks: tuple[str, ...]
    injectors: str
    names_product: bool | None
    reason: str
    amount: str
    price_lines: tuple[PriceLine, ...]


def distance_words(km: float, is_located: bool) -> str:
    """How far away a clinic is, for its card: no more exact than what we know.

    `km` in a straight line; to the centre of the clinic's town unless it `is_located`.
    """
    if is_located:
        if km < 1:
            return _("Less than 1 km away, in a straight line")
        return _("About %(km)s km away, in a straight line") % {"km": f"{round(km):n}"}
    if km < 1:
        return _("In this town; how far away is not known")
    return _("About %(km)s km away, measured to the centre of its town") % {"km": f"{round(km):n}"}


def clinic_card(
    clinic: ListedClinic,
    matching_offers: tuple[tuple[int, int], ...],
    rates: Rates,
    today: date,
    currency: str,
) -> ClinicCard:
    """Build the card of one clinic; it shows the matching offer with the best-known price.

    `matching_offers` made it match, named as in `Answer`; empty when nothing was asked of
    offers. No query.
    """
    language = get_language()
    matching = _named(clinic.offers, matching_offers) if matching_offers else clinic.offers
    best = min(matching, key=partial(_usefulness, today=today), default=None)
    amount, lines = "", []
    if best:
        amount, lines = _price(priced(best, rates, today, currency), language)
    if len(matching) > 1:
        lines.append(PriceLine(_other_offers(len(matching) - 1, language)))
    place = f"{clinic.place_name}, {clinic.country_name}"
    about = (place, clinic.facility, ", ".join(clinic.languages))
    return ClinicCard(
        clinic=clinic,
        about=" · ".join(part for part in about if part),
        checks=tuple(_check(check.kind, check.checked_on, language) for check in clinic.checks),
        injectors="; ".join(clinic.injectors),
        names_product=best.names_product if best else None,
        reason=_reason(matching, clinic.place_name if matching_offers else ""),
        amount=amount,
        price_lines=tuple(lines),
    )


def _named(
    offers: tuple[ListedOffer, ...], names: tuple[tuple[int, int], ...]
) -> list[ListedOffer]:
    seen: Counter[int] = Counter()
    named = set()
    for offer in sorted(offers, key=lambda offer: offer.pk):
        if (offer.treatment_id, seen[offer.treatment_id]) in names:
            named.add(offer.pk)
        seen[offer.treatment_id] += 1
    return [offer for offer in offers if offer.pk in named]


_FRESHNESS = {freshness: place for place, freshness in enumerate(Offer.Freshness)}


def _usefulness(offer: ListedOffer, today: date):
    freshness = _FRESHNESS[offer.freshness(today)]
    return (not offer.has_price, freshness, offer.price_low or 0, offer.pk)


def _reason(offers: Sequence[ListedOffer], place: str) -> str:
    names = ", ".join(dict.fromkeys(offer.treatment_name for offer in offers))
    if names and place:
        words = {"names": names, "place": place}
        return _("Here because: offers %(names)s, in %(place)s.") % words
    if names:
        return _("Offers %(names)s.") % {"names": names}
    return _("The clinic has not listed any treatment.")


def _price(shown: PricedOffer, language: str) -> tuple[str, list[PriceLine]]:
    """What stands out on the card, and the lines under it."""
    offer, course = shown.offer, shown.course
    if not offer.has_price:
        return "", [PriceLine(offer.treatment_name)]
    price = money_range(offer.price_low, offer.price_high, offer.currency_id)
    if course.is_known:
        amount = money_range(course.low, course.high, offer.currency_id)
        sessions = _sessions(
            course.sessions_low, course.sessions_high, course.is_for_one_area, language
        )
        lines = [f"{offer.treatment_name}: {sessions}", f"{price} {offer.unit_label}"]
    else:
        amount = price
        lines = [f"{offer.treatment_name}, {offer.unit_label}. {shown.why_no_course}"]
    if shown.converted:
        lines.append(_converted_words(shown.converted, language))
    age = PriceLine(shown.age, shown.is_stale or shown.is_ageing)
    return amount, [*map(PriceLine, lines), age]


# --- Words that many cards share. Gettext and dates are slow, so each is written once.


@lru_cache(maxsize=5000)
def _written_day(day: date, _language: str) -> str:
    return date_format(day, "j M Y")


@lru_cache(maxsize=5000)
def _check(kind: str, day: date, language: str) -> str:
    words = {"kind": Check.Kind(kind).label, "day": _written_day(day, language)}
    return _("%(kind)s, checked %(day)s") % words


@lru_cache(maxsize=5000)
def _age(freshness: Offer.Freshness, day: date | None, language: str) -> str:
    if day is None:
        return _("price never confirmed: ask the clinic")
    words = {"date": _written_day(day, language)}
    if freshness == Offer.Freshness.STALE:
        return _("price last confirmed %(date)s: ask the clinic") % words
    if freshness == Offer.Freshness.AGEING:
        return _("price last confirmed %(date)s") % words
    return _("confirmed %(date)s") % words


@lru_cache(maxsize=1000)
def _other_offers(number: int, _language: str) -> str:
    return ngettext("and %(n)s other offer", "and %(n)s other offers", number) % {"n": number}


@lru_cache(maxsize=1000)
def _sessions(low: int, high: int, is_for_one_area: bool, _language: str) -> str:
    if low == high:
        words = ngettext("a course of %(n)s session", "a course of %(n)s sessions", high)
        course = words % {"n": high}
    else:
        course = _("a course of %(low)s to %(high)s sessions") % {"low": low, "high": high}
    return ", ".join((course, _("one area"))) if is_for_one_area else course


@lru_cache(maxsize=5000)
def _converted_words(converted: Converted, language: str) -> str:
    about = money_range(converted.low, converted.high, converted.currency)
    day = _written_day(converted.rate_date, language)
    return _("about %(about)s at the rate of %(day)s") % {"about": about, "day": day}


_WHY_NO_COURSE = {
    Reason.NO_SESSIONS: gettext_lazy(
        "Course cannot be worked out: the clinic does not say how many sessions."
    ),
    Reason.PER_ML: gettext_lazy(
        "Course cannot be worked out: how many millilitres are used is not known."
    ),
    Reason.NO_PRICE: gettext_lazy("Course cannot be worked out: no price stated."),
}
