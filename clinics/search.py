"""Which clinics match, how many there are, and how many each option would give.

`search(selection, today)` is the one definition of a match: the list, the counts, the
title and the chips all come from its answer. It counts with one GROUP BY a facet.

Contract: the count beside an option equals the number of results when that option is
the only choice of its facet and every other facet keeps its choices. Conditions on
treatment, area, concern, price, product, price date and anaesthesia must hold for one
and the same offer, in results and in counts.
"""

from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal

from django.db.models import Case, Count, F, Q, Value, When

from treatments.models import Treatment
from treatments.text_folding import fold

from .exchange import Rates, current_rates, in_euro
from .models import Check, Clinic, Offer, Practitioner
from .models.offer import FRESH_DAYS
from .ranking import DEFAULT_SORT, SORTS

PER_PAGE = 24
# Words of a search that count. One letter can fold into many words, and each costs a query's
# worth of work, so the limit holds after folding.
MAX_WORDS = 8

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

PRODUCT_NAMED, PRODUCT_NOT_SAID = "named", "not-said"
FRESH_SIX_MONTHS = "6-months"


@dataclass(frozen=True)
class Selection:
    """What a visitor asked for, already valid: known option values and sensible numbers.

    `chosen` maps a facet to its chosen option values; within a facet they mean "any of
    these". Prices are for one session, in `currency`.
    """

    words: str = ""
    chosen: dict[str, tuple[str, ...]] = field(default_factory=dict)
    price_min: Decimal | None = None
    price_max: Decimal | None = None
    currency: str = "EUR"
    sort: str = DEFAULT_SORT

    def without(self, facet: str) -> "Selection":
        """The same selection with one facet's choices left out."""
        return replace(
            self, chosen={name: values for name, values in self.chosen.items() if name != facet}
        )

    def dropping(self, parameter: str, value: str) -> "Selection":
        """The same selection with one applied filter taken away."""
        if parameter == "q":
            return replace(self, words="")
        if parameter in ("price_min", "price_max"):
            return replace(self, **{parameter: None})
        kept = tuple(v for v in self.chosen.get(parameter, ()) if v != value)
        return replace(self, chosen=self.without(parameter).chosen | {parameter: kept})

    @property
    def has_price(self) -> bool:
        return self.price_min is not None or self.price_max is not None


@dataclass(frozen=True)
class Answer:
    """The answer to a selection.

    `page` is the page that `ids` stand on: the one asked for, or the last when it is
    beyond the end. `ids` are the clinics of that page, in order, and `matching_offers`
    the offers of each that made it match, empty where nothing was asked of an offer.
    `counts` maps each facet to {option value: number of clinics}; an option that is
    missing counts 0. `prices` are
    the lowest matching prices of one session in the selection's currency, one a clinic,
    as if no price had been asked for: what the histogram draws.
    """

    total: int
    page: int
    ids: tuple[int, ...]
    matching_offers: dict[int, tuple[int, ...]]
    counts: dict[str, dict[str, int]]
    prices: tuple[Decimal, ...]


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
        named = Q()
        if PRODUCT_NAMED in values:
            named |= ~Q(product="")
        if PRODUCT_NOT_SAID in values:
            named |= Q(product="")
        offers = offers.filter(named)
    if chosen.get("fresh"):
        offers = offers.filter(_is_fresh(today))
    if selection.has_price:
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
    return selection.has_price or any(selection.chosen.get(name) for name in OFFER_FACETS)


def searched_words(words: str) -> tuple[list[str], list[str]]:
    """The words in search spelling that count, and those beyond the limit, which do not."""
    folded = fold(words).split()
    return folded[:MAX_WORDS], folded[MAX_WORDS:]


def _matching_words(words: str) -> Q:
    """Each word must start a word of the clinic, a practitioner, the town, the country,
    or a treatment it offers; in any order, accents and case ignored."""
    condition = Q()
    for word in searched_words(words)[0]:
        start = f" {word}"
        treatments = Treatment.objects.published().named(word)
        condition &= (
            Q(name_folded__contains=start)
            | Q(place__name_folded__contains=start)
            | Q(place__country__name_folded__contains=start)
            | Q(pk__in=Practitioner.objects.filter(name_folded__contains=start).values("clinic"))
            | Q(pk__in=Offer.objects.filter(treatment__in=treatments.values("pk")).values("clinic"))
        )
    return condition


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
    if selection.words:
        clinics = clinics.filter(_matching_words(selection.words))
    return clinics


def _results(selection: Selection, rates: Rates, today: date):
    """All clinics that match. Not yet ordered."""
    clinics = _clinics_matching(selection, today)
    if _asks_about_offers(selection):
        offers = _offers_matching(selection, rates, today)
        clinics = clinics.filter(pk__in=offers.values("clinic"))
    return clinics


def treatments_asked_for(selection: Selection):
    """Published treatments that are chosen, or that every word names: what to read first."""
    published = Treatment.objects.published()
    chosen = published.filter(slug__in=selection.chosen.get("treatment", ()))
    words, _beyond = searched_words(selection.words)
    if not words:
        return chosen
    named = published
    for word in words:
        named = named.named(word)
    return chosen | named


def results_of(selection: Selection, today: date):
    """All clinics that match, as a query without an order. One query for the rates."""
    return _results(selection, current_rates(), today)


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
        return {
            FRESH_SIX_MONTHS: offers.filter(_is_fresh(today)).values("clinic").distinct().count()
        }
    if name == "product":
        stated = Case(When(product="", then=Value(PRODUCT_NOT_SAID)), default=Value(PRODUCT_NAMED))
        rows = offers.annotate(option=stated).values_list("option")
    else:
        column = OFFER_FACETS[name]
        rows = offers.filter(**{f"{column}__isnull": False}).values_list(column)
    return dict(rows.annotate(clinics=Count("clinic", distinct=True)))


def _prices(selection: Selection, rates: Rates, today: date) -> tuple[Decimal, ...]:
    """The lowest price of one session of each matching clinic, the price filter left out."""
    others = replace(selection, price_min=None, price_max=None)
    offers = _offers_matching(others, rates, today).filter(
        clinic__in=_clinics_matching(others, today).values("pk"),
        unit=Offer.Unit.SESSION,
        price_low__isnull=False,
        currency__per_euro__isnull=False,
    )
    lowest: dict[int, Decimal] = {}
    for clinic, amount, code in offers.values_list("clinic", "price_low", F("currency")):
        price = rates.convert(amount, code, selection.currency)
        if price is not None and price < lowest.get(clinic, Decimal("Infinity")):
            lowest[clinic] = price
    return tuple(lowest.values())


def search(selection: Selection, today: date, page: int = 1) -> Answer:
    """Answer a selection: total, one page of ids, every count. At most 18 queries.

    `page` starts at 1; beyond the end it becomes the last page.
    """
    rates = current_rates()
    results = _results(selection, rates, today)
    sort = next(sort for sort in SORTS if sort.value == selection.sort)
    total = results.count()
    page = min(max(page, 1), last_page(total))
    offers = _offers_matching(selection, rates, today)
    ordered = sort.apply(results, offers, today).values_list("pk", flat=True)
    ids = tuple(ordered[(page - 1) * PER_PAGE : page * PER_PAGE])
    counts = {name: _offer_facet_counts(name, selection, rates, today) for name in OFFER_FACETS}
    counts |= {name: _clinic_facet_counts(name, selection, rates, today) for name in CLINIC_FACETS}
    prices = _prices(selection, rates, today)
    return Answer(total, page, ids, _offers_by_clinic(selection, offers, ids), counts, prices)


def last_page(total: int) -> int:
    """The number of the last page; 1 when there is nothing."""
    return max(1, -(-total // PER_PAGE))


def _offers_by_clinic(selection: Selection, offers, ids) -> dict[int, tuple[int, ...]]:
    matching: dict[int, tuple[int, ...]] = {}
    if _asks_about_offers(selection):
        for clinic, offer in offers.filter(clinic__in=ids).values_list("clinic", "pk"):
            matching[clinic] = (*matching.get(clinic, ()), offer)
    return matching
