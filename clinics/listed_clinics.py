"""What cards print of clinics, read for a whole page of them in five short questions.

Plain rows, not model instances: a page of clinics has some two hundred rows behind it, and
making an instance of each takes longer than everything else about a card.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

from django.db import connection
from django.db.models import QuerySet
from django.utils.translation import get_language

from .models import Check, Clinic, Country, Language, Offer, Practitioner
from .selection import PER_PAGE

# Worked out anew by Django whenever they are asked for.
_PROFESSIONS = Practitioner.Profession.choices
_KINDS = Check.Kind.values


class ListedOffer(NamedTuple):
    """A public offer: the columns that a card prints, and what `Offer` can say of them."""

    pk: int
    clinic_id: int
    treatment_id: int
    treatment_name: str
    price_low: Decimal | None
    price_high: Decimal | None
    currency_id: str | None
    unit: str
    sessions_low: int | None
    sessions_high: int | None
    consultation_fee: Decimal | None
    course_price: Decimal | None
    course_sessions: int | None
    product: str
    price_confirmed_on: date | None

    Freshness = Offer.Freshness
    freshness = Offer.freshness
    has_price = Offer.has_price
    names_product = Offer.names_product

    @property
    def unit_label(self) -> str:
        """What the price buys, in words."""
        return str(Offer.Unit(self.unit).label)


class ConfirmedCheck(NamedTuple):
    """A check that counts: what was checked, and the day."""

    kind: str
    checked_on: date

    @property
    def label(self) -> str:
        """What was checked, in words."""
        return str(Check.Kind(self.kind).label)


@dataclass(frozen=True, slots=True)
class ListedClinic:
    """A published clinic as far as its card tells of it, in the language of the page.

    `offers` are public and in the order of their treatments; `checks` are confirmed and
    unexpired, the newest of each kind; `injectors` are professions in words. `is_located`
    when we know where in its town it is.
    """

    slug: str
    name: str
    facility_type: str
    is_sample: bool
    is_located: bool
    place_name: str
    country_name: str
    languages: tuple[str, ...]
    injectors: tuple[str, ...]
    checks: tuple[ConfirmedCheck, ...]
    offers: tuple[ListedOffer, ...]

    get_absolute_url = Clinic.get_absolute_url
    initials = Clinic.initials

    @property
    def facility(self) -> str:
        """The kind of place, in words."""
        return str(Clinic.FacilityType(self.facility_type).label)


class Question:
    """Rows about a few clinics, in SQL that is written once and then only asked.

    `rows(clinics, today)` is the question as a queryset of `values_list()`. Django takes longer
    to write one down than the database to answer it.
    """

    def __init__(self, rows: Callable[[Sequence[int], date], QuerySet]):
        self._rows = rows
        self._written = lru_cache(maxsize=8)(self._write)

    def about(self, clinics: Sequence[int], today: date) -> list[Sequence]:
        """The rows about these clinics, of which there is at least one. One query."""
        # A page or less is nearly always asked for; one text serves them all when the last
        # clinic is named as often as it takes.
        query, sql, parameters, converters = self._written(max(len(clinics), PER_PAGE), today)
        last = len(clinics) - 1
        filled = [
            clinics[min(~value, last)] if isinstance(value, int) and value < 0 else value
            for value in parameters
        ]
        with connection.cursor() as cursor:
            cursor.execute(sql, filled)
            found = cursor.fetchall()
        if not converters:
            return found
        return list(query.get_compiler(connection=connection).apply_converters(found, converters))

    def _write(self, size: int, today: date):
        """The question about `size` clinics; -1, -2 and so on stand in for their keys."""
        query = self._rows(range(-1, -size - 1, -1), today).query
        compiler = query.get_compiler(connection=connection)
        sql, parameters = compiler.as_sql()
        converters = compiler.get_converters([column for column, *_ in compiler.select])
        return query, sql, parameters, converters


_CLINICS = Question(
    lambda clinics, _today: (
        Clinic.objects.published()
        .filter(pk__in=clinics)
        .order_by()
        .values_list(
            "pk",
            "slug",
            "name",
            "facility_type",
            "is_sample",
            "latitude",
            "place__name",
            "place__country",
            "place__country__name",
        )
    )
)
_LANGUAGES = Question(
    lambda clinics, _today: (
        Clinic.languages.through.objects.filter(clinic__in=clinics)
        .order_by("language__name")
        .values_list("clinic", "language", "language__name")
    )
)
_PEOPLE = Question(
    lambda clinics, _today: (
        Practitioner.objects.filter(clinic__in=clinics)
        .order_by()
        .values_list("clinic", "profession")
    )
)
_CHECKS = Question(
    lambda clinics, today: (
        Check.objects.confirmed(today)
        .filter(clinic__in=clinics)
        .order_by("checked_on")
        .values_list("clinic", "kind", "checked_on")
    )
)
_OFFER_COLUMNS = [
    "treatment__short_name" if name == "treatment_name" else name for name in ListedOffer._fields
]
_OFFERS = Question(
    lambda clinics, _today: Offer.objects.filter(
        clinic__in=clinics, treatment__is_published=True
    ).values_list(*_OFFER_COLUMNS)
)


def listed_clinics(clinics: Sequence[int], today: date) -> dict[int, ListedClinic]:
    """The published ones among these clinics by primary key. Five queries; none for no clinic."""
    if not clinics:
        return {}
    language = get_language()
    languages, professions, checks, offers = (defaultdict(list) for _ in range(4))
    for clinic, code, name in _LANGUAGES.about(clinics, today):
        languages[clinic].append(_language_name(code, name, language))
    for clinic, profession in _PEOPLE.about(clinics, today):
        professions[clinic].append(profession)
    for clinic, kind, checked_on in _CHECKS.about(clinics, today):
        checks[clinic].append(ConfirmedCheck(kind, checked_on))
    for row in _OFFERS.about(clinics, today):
        offers[row[1]].append(ListedOffer._make(row))
    return {
        pk: ListedClinic(
            slug,
            name,
            facility_type,
            is_sample,
            latitude is not None,
            place,
            _country_name(country_code, country, language),
            tuple(languages[pk]),
            tuple(str(label) for value, label in _PROFESSIONS if value in professions[pk]),
            _newest(checks[pk]),
            tuple(offers[pk]),
        )
        for pk, slug, name, facility_type, is_sample, latitude, place, country_code, country in (
            _CLINICS.about(clinics, today)
        )
    }


def _newest(checks: list[ConfirmedCheck]) -> tuple[ConfirmedCheck, ...]:
    """The last check of each kind, in the order of the kinds. `checks` come oldest first."""
    newest = {check.kind: check for check in checks}
    return tuple(newest[kind] for kind in _KINDS if kind in newest)


@lru_cache(maxsize=5000)
def _country_name(code: str, name: str, _language: str) -> str:
    return Country(code=code, name=name).local_name


@lru_cache(maxsize=5000)
def _language_name(code: str, name: str, _language: str) -> str:
    return Language(code=code, name=name).local_name
