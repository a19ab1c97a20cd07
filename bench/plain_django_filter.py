"""The directory as most Django sites would write it: django-filter over the tables.

Each facet is a filter on a relation, `distinct()` takes the doubles away, and each list of
counts is one GROUP BY with the facet's own choice left out. It does not ask that treatment,
area and price be of one and the same offer: chained filters do not, and few sites notice.
Asking would cost more.
"""

from datetime import timedelta

import django_filters
from django.db.models import Count, F, Min, Q
from django.http import QueryDict

from clinics.listing_facts import PRODUCT_NAMED, PRODUCT_NOT_SAID
from clinics.models import Check, Clinic, Country, Language, Offer, Place, Practitioner
from clinics.models.offer import FRESH_DAYS
from clinics.selection import PER_PAGE
from treatments.models import BodyArea, Concern, Treatment

from .mix import Request

FACETS = {
    "treatment": "offers__treatment__slug",
    "area": "offers__body_areas__slug",
    "concern": "offers__treatment__concerns__slug",
    "country": "place__country__slug",
    "city": "place__slug",
    "language": "languages__slug",
    "facility": "facility_type",
    "profession": "practitioners__profession",
    "check": "checks__kind",
    "anaesthesia": "offers__anaesthesia",
}
ORDERS = {
    "match": ("-confirmed_on", "shuffle_key"),
    "price": (F("lowest_price").asc(nulls_last=True), "name_folded", "pk"),
    "name": ("name_folded", "pk"),
    "confirmed": (F("confirmed_on").desc(nulls_last=True), "name_folded", "pk"),
}


def by_slug(name: str, model) -> django_filters.ModelMultipleChoiceFilter:
    return django_filters.ModelMultipleChoiceFilter(
        field_name=FACETS[name], to_field_name="slug", queryset=model.objects.all()
    )


def by_choice(name: str, choices) -> django_filters.MultipleChoiceFilter:
    return django_filters.MultipleChoiceFilter(field_name=FACETS[name], choices=choices)


class PlainClinicFilterSet(django_filters.FilterSet):
    """One filter a parameter of the directory, each a join of its own. `today` as in `search`."""

    treatment = by_slug("treatment", Treatment)
    area = by_slug("area", BodyArea)
    concern = by_slug("concern", Concern)
    country = by_slug("country", Country)
    city = by_slug("city", Place)
    language = by_slug("language", Language)
    facility = by_choice("facility", Clinic.FacilityType.choices)
    profession = by_choice("profession", Practitioner.Profession.choices)
    anaesthesia = by_choice("anaesthesia", Offer.Anaesthesia.choices)
    check = django_filters.MultipleChoiceFilter(choices=Check.Kind.choices, method="by_check")
    product = django_filters.MultipleChoiceFilter(
        choices=[(value, value) for value in (PRODUCT_NAMED, PRODUCT_NOT_SAID)], method="by_product"
    )
    fresh = django_filters.CharFilter(method="by_freshness")
    price_max = django_filters.NumberFilter(method="by_price")

    class Meta:
        model = Clinic
        fields: list[str] = []

    def __init__(self, data: QueryDict, today):
        super().__init__(data, queryset=Clinic.objects.published())
        self.today = today

    def by_check(self, clinics, name, values):
        unexpired = Q(checks__expires_on=None) | Q(checks__expires_on__gte=self.today)
        confirmed = Q(checks__kind__in=values, checks__result=Check.Result.CONFIRMED)
        return clinics.filter(unexpired & confirmed).distinct() if values else clinics

    def by_product(self, clinics, name, values):
        if len(values) != 1:
            return clinics
        named = ~Q(offers__product="") if values == [PRODUCT_NAMED] else Q(offers__product="")
        return clinics.filter(named).distinct()

    def by_freshness(self, clinics, name, value):
        since = self.today - timedelta(days=FRESH_DAYS)
        return clinics.filter(offers__price_confirmed_on__gte=since).distinct()

    def by_price(self, clinics, name, value):
        at_most = F("offers__currency__per_euro") * value
        session = Q(offers__unit=Offer.Unit.SESSION)
        return clinics.filter(session, offers__price_low__lte=at_most).distinct()


def answer(request: Request, today) -> tuple[int, list[int], dict[str, dict[str, int]]]:
    """Total, ids of the page, and the counts of every facet. Some twenty queries.

    Prices are taken as euros whatever the currency: converting them costs nothing here.
    """
    data = QueryDict(request.query_string)
    clinics = PlainClinicFilterSet(data, today).qs
    total = clinics.count()
    ordered = clinics.annotate(lowest_price=Min("offers__price_low")).order_by(
        *ORDERS[request.selection.sort]
    )
    page = max(1, min(request.page, -(-total // PER_PAGE)))
    ids = list(ordered.values_list("pk", flat=True)[(page - 1) * PER_PAGE : page * PER_PAGE])
    counts = {name: group_by(column, without(data, name), today) for name, column in FACETS.items()}
    for name, options in {"product": [PRODUCT_NAMED, PRODUCT_NOT_SAID], "fresh": ["yes"]}.items():
        counts[name] = {option: count_alone(data, name, option, today) for option in options}
    return total, ids, counts


def without(data: QueryDict, name: str) -> QueryDict:
    """The parameters with one facet's choice left out."""
    others = data.copy()
    others.pop(name, None)
    return others


def group_by(column: str, data: QueryDict, today) -> dict[str, int]:
    clinics = PlainClinicFilterSet(data, today).qs.order_by()
    return dict(clinics.values_list(column).annotate(clinics=Count("pk", distinct=True)))


def count_alone(data: QueryDict, name: str, option: str, today) -> int:
    alone = without(data, name)
    alone[name] = option
    return PlainClinicFilterSet(alone, today).qs.count()
