"""A plain SQL definition of a match, with one GROUP BY a facet and the order as ORDER BY.

It shares no code with the index, which the tests hold against it. It knows facets, prices
and orders; words, distances, sessions and courses stand in `search_oracle`.
"""

from datetime import date, timedelta
from hashlib import sha256

from django.db.models import (
    BigIntegerField,
    Case,
    Count,
    DecimalField,
    Exists,
    ExpressionWrapper,
    F,
    IntegerField,
    Min,
    OuterRef,
    Q,
    Subquery,
    Value,
    When,
)
from django.db.models.functions import Cast

from clinics.exchange import Rates, current_rates
from clinics.models import Check, Clinic, Offer, Practitioner
from clinics.selection import Selection
from treatments.models import Treatment

FRESH_DAYS, STALE_DAYS = 180, 240
SHUFFLE_PRIME = 2_147_483_659

# Facets whose conditions must hold for one and the same offer, and the column counted.
OFFER_FACETS = {
    "treatment": "treatment__slug",
    "area": "body_areas__slug",
    "concern": "treatment__concerns__slug",
    "anaesthesia": "anaesthesia",
    "product": None,
    "fresh": None,
}
CLINIC_FACETS = {
    "country": "place__country__slug",
    "city": "place__slug",
    "facility": "facility_type",
    "language": "languages__slug",
    "profession": "practitioners__profession",
    "check": "checks__kind",
}
FACETS = (*OFFER_FACETS, *CLINIC_FACETS)


def _offers_matching(selection: Selection, rates: Rates, today: date):
    """Public offers that meet every condition on an offer."""
    offers = Offer.objects.public().order_by()
    chosen = selection.chosen
    if values := chosen.get("treatment"):
        offers = offers.filter(treatment__slug__in=values)
    if values := chosen.get("area"):
        offers = offers.filter(
            pk__in=Offer.body_areas.through.objects.filter(bodyarea__slug__in=values).values(
                "offer"
            )
        )
    if values := chosen.get("concern"):
        offers = offers.filter(
            treatment__in=Treatment.objects.filter(concerns__slug__in=values).values("pk")
        )
    if values := chosen.get("anaesthesia"):
        offers = offers.filter(anaesthesia__in=values)
    if values := chosen.get("product"):
        named = Q(pk__in=[])
        if "named" in values:
            named |= ~Q(product="")
        if "not-said" in values:
            named |= Q(product="")
        offers = offers.filter(named)
    if values := chosen.get("fresh"):
        offers = offers.filter(_is_fresh(today) if "6-months" in values else Q(pk__in=[]))
    if _has_price(selection):
        offers = offers.filter(unit=Offer.Unit.SESSION).annotate(
            low_euro=in_euro("price_low"), high_euro=in_euro("price_high")
        )
        if selection.price_min is not None:
            least = rates.to_euro(selection.price_min, selection.currency)
            offers = offers.filter(high_euro__gte=least)
        if selection.price_max is not None:
            most = rates.to_euro(selection.price_max, selection.currency)
            offers = offers.filter(low_euro__lte=most)
    return offers


def _is_fresh(today: date) -> Q:
    return Q(price_low__isnull=False, price_confirmed_on__gte=today - timedelta(days=FRESH_DAYS))


def _asks_about_offers(selection: Selection) -> bool:
    return _has_price(selection) or any(selection.chosen.get(name) for name in OFFER_FACETS)


def _clinics_matching(selection: Selection, today: date):
    """Published clinics that meet every condition on the clinic and every word."""
    clinics = Clinic.objects.published().order_by()
    chosen = selection.chosen
    if values := chosen.get("country"):
        clinics = clinics.filter(place__country__slug__in=values)
    if values := chosen.get("city"):
        clinics = clinics.filter(place__slug__in=values)
    if values := chosen.get("facility"):
        clinics = clinics.filter(facility_type__in=values)
    if values := chosen.get("language"):
        speaking = Clinic.languages.through.objects.filter(language__slug__in=values)
        clinics = clinics.filter(pk__in=speaking.values("clinic"))
    if values := chosen.get("profession"):
        practising = Practitioner.objects.filter(profession__in=values)
        clinics = clinics.filter(pk__in=practising.values("clinic"))
    if values := chosen.get("check"):
        checked = Check.objects.confirmed(today).filter(kind__in=values)
        clinics = clinics.filter(pk__in=checked.values("clinic"))
    return clinics


def _results(selection: Selection, rates: Rates, today: date):
    """All clinics that match. Not yet ordered."""
    clinics = _clinics_matching(selection, today)
    if _asks_about_offers(selection):
        offers = _offers_matching(selection, rates, today)
        clinics = clinics.filter(pk__in=offers.values("clinic"))
    return clinics


def _clinic_facet_counts(name: str, selection: Selection, rates: Rates, today: date):
    clinics = _results(selection.without(name), rates, today)
    column = CLINIC_FACETS[name]
    if name == "check":
        # Through the checks themselves, so that kind, result and expiry are of one check.
        return dict(
            Check.objects.confirmed(today)
            .filter(clinic__in=clinics.values("pk"))
            .order_by()
            .values_list("kind")
            .annotate(clinics=Count("clinic", distinct=True))
        )
    return dict(
        clinics.filter(**{f"{column}__isnull": False})
        .values_list(column)
        .annotate(clinics=Count("pk", distinct=True))
    )


def _offer_facet_counts(name: str, selection: Selection, rates: Rates, today: date):
    others = selection.without(name)
    offers = _offers_matching(others, rates, today).filter(
        clinic__in=_clinics_matching(others, today).values("pk")
    )
    if name == "fresh":
        return {"6-months": offers.filter(_is_fresh(today)).values("clinic").distinct().count()}
    if name == "product":
        stated = Case(When(product="", then=Value("not-said")), default=Value("named"))
        rows = offers.annotate(option=stated).values_list("option")
    else:
        column = OFFER_FACETS[name]
        rows = offers.filter(**{f"{column}__isnull": False}).values_list(column)
    return dict(rows.annotate(clinics=Count("clinic", distinct=True)))


def _daily_place(today: date):
    drawn = int.from_bytes(sha256(today.isoformat().encode()).digest()[:4]) // 2 + 1
    # As a 64-bit number: the product is above what a 32-bit column holds.
    key = Cast("shuffle_key", BigIntegerField())
    return key * Value(drawn) % Value(SHUFFLE_PRIME)


def _as_number(condition) -> Case:
    return Case(When(condition, then=Value(1)), default=Value(0), output_field=IntegerField())


def _by_match(clinics, offers, today: date):
    fresh = offers.filter(
        clinic=OuterRef("pk"),
        price_low__isnull=False,
        price_confirmed_on__gte=today - timedelta(days=FRESH_DAYS),
    )
    checked = Check.objects.confirmed(today).filter(clinic=OuterRef("pk"))
    return clinics.annotate(
        has_fresh_price=_as_number(Exists(fresh)),
        has_check=_as_number(Exists(checked)),
        daily_place=_daily_place(today),
    ).order_by("-has_fresh_price", "-has_check", "daily_place", "pk")


def _by_price(clinics, offers, today: date):
    lowest = (
        offers.filter(
            clinic=OuterRef("pk"),
            unit=Offer.Unit.SESSION,
            price_confirmed_on__gte=today - timedelta(days=STALE_DAYS),
        )
        .order_by()
        .values("clinic")
        .annotate(lowest=Min(in_euro("price_low")))
        .values("lowest")
    )
    return clinics.annotate(
        lowest_price=Subquery(lowest), daily_place=_daily_place(today)
    ).order_by(F("lowest_price").asc(nulls_last=True), "daily_place", "pk")


def _by_name(clinics, offers, today: date):
    return clinics.order_by("name_folded", "pk")


def _by_confirmation(clinics, offers, today: date):
    return clinics.annotate(daily_place=_daily_place(today)).order_by(
        F("confirmed_on").desc(nulls_last=True), "daily_place", "pk"
    )


ORDERS = {
    "match": _by_match,
    "price": _by_price,
    "name": _by_name,
    "confirmed": _by_confirmation,
}


def in_euro(column: str):
    """An offer's money column in euro, NULL without a rate."""
    return ExpressionWrapper(
        F(column) / F("currency__per_euro"),
        output_field=DecimalField(max_digits=18, decimal_places=6),
    )


def _has_price(selection: Selection) -> bool:
    return selection.price_min is not None or selection.price_max is not None


def expected_ids(selection: Selection, today: date) -> list[int]:
    """Primary keys of all clinics that match, in order."""
    rates = current_rates()
    clinics = _results(selection, rates, today)
    offers = _offers_matching(selection, rates, today)
    return list(ORDERS[selection.sort](clinics, offers, today).values_list("pk", flat=True))


def expected_counts(selection: Selection, today: date) -> dict[str, dict[str, int]]:
    """By facet, by option value: how many clinics; options that give none are missing."""
    rates = current_rates()
    counts = {name: _offer_facet_counts(name, selection, rates, today) for name in OFFER_FACETS}
    counts |= {name: _clinic_facet_counts(name, selection, rates, today) for name in CLINIC_FACETS}
    return {facet: {value: n for value, n in found.items() if n} for facet, found in counts.items()}
