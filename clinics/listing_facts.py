"""What the index knows of published clinics, read from the normal tables as arrays of numbers.

Facets are declared here: which rows carry their options, and under which keys. A fact
that expires is read for one day; `expiring_between` names the clinics for which another
day differs.
"""

import io
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import lru_cache

import numpy as np
from django.db import connection
from django.db.models import (
    BigIntegerField,
    Case,
    Expression,
    F,
    Func,
    IntegerField,
    Q,
    QuerySet,
    Value,
    When,
)
from django.db.models.functions import Cast, Coalesce, Round

from .models import Check, Clinic, Offer, Practitioner
from .models.offer import FRESH_DAYS, STALE_DAYS
from .vocabulary import Vocabulary

# Stands for "not stated" in arrays of numbers that are never negative.
UNSTATED = -1
NO_POSITION = 10**9
# Coordinates are held in hundred-thousandths of a degree, as the tables have them: one metre.
DEGREE = 100_000

PRODUCT_NAMED, PRODUCT_NOT_SAID = "named", "not-said"
FRESH_SIX_MONTHS = "6-months"


class _DayNumber(Func):
    """A date as the number 20261122, which sorts as the date does, on every database."""

    template = "CAST(REPLACE(CAST(%(expressions)s AS text), '-', '') AS bigint)"
    output_field = BigIntegerField()


def day_number(day: date) -> int:
    """A date as the number 20261122."""
    return day.year * 10000 + day.month * 100 + day.day


def _cents(column: str) -> Expression:
    return Round(F(column) * 100)


def key_number(column: str, keys: tuple[str, ...]) -> Case:
    """A column of known values as their place in `keys`; UNSTATED for any other."""
    cases = [When(**{column: key}, then=Value(place)) for place, key in enumerate(keys)]
    return Case(*cases, default=Value(UNSTATED), output_field=IntegerField())


@dataclass(frozen=True)
class ClinicFacet:
    """A facet whose options a clinic as a whole has, one or several.

    `rows(day)` are the rows that carry an option, each leading to its clinic by the path
    `clinic`; `column` holds the option's key. `keys(vocabulary)` are all keys, None where
    they are primary keys.
    """

    name: str
    rows: Callable[[date], QuerySet]
    column: str
    keys: Callable[[Vocabulary], tuple[str, ...]]
    clinic: str = "clinic"


@dataclass(frozen=True)
class OfferFacet:
    """A facet whose choice must hold for the same offer as price, treatment and the rest.

    Either `key_number(day)` is an expression over Offer that gives the place of the option
    in `keys`, or `rows()` are rows with an offer and a `column` that holds the primary key
    of an option, any number for each offer.
    """

    name: str
    keys: tuple[str, ...] = ()
    key_number: Callable[[date], Expression] | None = None
    rows: Callable[[], QuerySet] | None = None
    column: str = ""


CLINIC_FACETS = [
    ClinicFacet(
        "facility",
        rows=lambda _day: Clinic.objects.order_by(),
        column="facility_type",
        keys=lambda _vocabulary: tuple(Clinic.FacilityType.values),
        clinic="pk",
    ),
    ClinicFacet(
        "language",
        rows=lambda _day: Clinic.languages.through.objects.order_by(),
        column="language",
        keys=lambda vocabulary: tuple(vocabulary.languages),
    ),
    ClinicFacet(
        "profession",
        rows=lambda _day: Practitioner.objects.order_by(),
        column="profession",
        keys=lambda _vocabulary: tuple(Practitioner.Profession.values),
    ),
    ClinicFacet(
        "check",
        rows=lambda day: Check.objects.confirmed(day).order_by(),
        column="kind",
        keys=lambda _vocabulary: tuple(Check.Kind.values),
    ),
]


def _is_fresh(day: date) -> Case:
    since = day - timedelta(days=FRESH_DAYS)
    fresh = Q(price_low__isnull=False, price_confirmed_on__gte=since)
    return Case(When(fresh, then=Value(0)), default=Value(UNSTATED), output_field=IntegerField())


def _names_product(_day: date) -> Case:
    return Case(When(product="", then=Value(1)), default=Value(0), output_field=IntegerField())


OFFER_FACETS = [
    OfferFacet("area", rows=Offer.body_areas.through.objects.order_by, column="bodyarea"),
    OfferFacet(
        "anaesthesia",
        keys=tuple(Offer.Anaesthesia.values),
        key_number=lambda _day: key_number("anaesthesia", tuple(Offer.Anaesthesia.values)),
    ),
    OfferFacet("product", keys=(PRODUCT_NAMED, PRODUCT_NOT_SAID), key_number=_names_product),
    OfferFacet("fresh", keys=(FRESH_SIX_MONTHS,), key_number=_is_fresh),
]


def clinic_facets() -> tuple[str, ...]:
    """Facets whose choice a clinic as a whole must meet."""
    return ("country", "city", *(facet.name for facet in CLINIC_FACETS))


def offer_facets() -> tuple[str, ...]:
    """Facets whose choices must hold for one and the same offer."""
    return ("treatment", "concern", *(facet.name for facet in OFFER_FACETS))


@dataclass(frozen=True)
class Facts:
    """Facts of published clinics on one day. Arrays of one kind are aligned with each other.

    `clinics` has the columns pk, place, confirmed (day number), shuffle key, latitude and
    longitude (in 1/DEGREE, NO_POSITION where not given). `options` maps a clinic facet to
    rows of (clinic, key number). `offers` has the columns of OFFER_COLUMNS and then one a
    facet of its own row; `offer_options` maps the other offer facets to rows of (offer, key).
    `words` pairs a clinic with a name that finds it, its own first.
    """

    clinics: np.ndarray
    names: dict[int, str]
    people: list[tuple[int, str]]
    options: dict[str, np.ndarray]
    offers: np.ndarray
    offer_options: dict[str, np.ndarray]


OFFER_COLUMNS = (
    "pk",
    "clinic",
    "treatment",
    "is_for_session",
    "price_low",
    "price_high",
    "currency",
    "sessions_low",
    "sessions_high",
    "consultation_fee",
    "is_current",
)


@dataclass(frozen=True)
class _Statement:
    """A query over whole-number columns, or other ones, that may be cut down to some rows.

    Its text is worked out once: Django takes longer to write these queries than the
    database to answer them for one clinic. `before` and `after` stand around the list of
    primary keys, with their parameters.
    """

    before: str
    before_parameters: tuple
    after: str
    after_parameters: tuple

    def sql(self, keys: list[int]) -> tuple[str, tuple]:
        inside = ", ".join(map(str, keys)) or "NULL"
        return (
            f"{self.before}{inside}{self.after}",
            (*self.before_parameters, *self.after_parameters),
        )


# Stands in for the list of keys while a statement is written.
_PLACEHOLDER = -(2**62)


@lru_cache(64)
def _statement(wanted: "_Wanted", day: date, words: tuple[tuple[str, ...], ...]) -> _Statement:
    queryset = wanted.rows(day, *words).filter(**{f"{wanted.path}__in": [_PLACEHOLDER]})
    sql, parameters = queryset.query.sql_with_params()
    place = parameters.index(_PLACEHOLDER)
    pieces = sql.split("%s")
    return _Statement(
        "%s".join(pieces[: place + 1]),
        parameters[:place],
        "%s".join(pieces[place + 1 :]),
        parameters[place + 1 :],
    )


@dataclass(frozen=True)
class _Wanted:
    """Rows to read: `rows(day, *words)` for all, of which `path` leads to the key to cut by.

    `words` are the keys of facets that stand in the vocabulary. Hashable by its name.
    """

    name: str
    path: str = field(compare=False)
    rows: Callable[..., QuerySet] = field(compare=False)
    is_text: bool = field(default=False, compare=False)

    def read(self, day: date | None, keys: list[int] | None, *words: tuple[str, ...]):
        """All rows, or those of `keys`: an array of 64-bit numbers, or a list. One query."""
        if keys is None:
            sql, parameters = self.rows(day, *words).query.sql_with_params()
        else:
            sql, parameters = _statement(self, day, words).sql(keys)
        with connection.cursor() as cursor:
            if not self.is_text and connection.vendor == "postgresql":
                written = io.BytesIO()
                text = cursor.mogrify(sql, parameters).decode()
                cursor.copy_expert(f"COPY ({text}) TO STDOUT (FORMAT binary)", written)
                return _from_binary_copy(written.getbuffer())
            cursor.execute(sql, parameters)
            rows = cursor.fetchall()
            if self.is_text:
                return rows
            return np.array(rows, np.int64).reshape(len(rows), len(cursor.description))


def _numbers(queryset: QuerySet, *columns) -> QuerySet:
    """The columns of a query as 64-bit numbers; NULL is UNSTATED."""
    expressions = {
        f"number_{place}": Coalesce(
            Cast(F(column) if isinstance(column, str) else column, BigIntegerField()),
            Value(UNSTATED, BigIntegerField()),
            output_field=BigIntegerField(),
        )
        for place, column in enumerate(columns)
    }
    return queryset.annotate(**expressions).values_list(*expressions)


# Before the rows: signature, flags, length of an extension. After them: -1 as 16 bits.
_COPY_HEAD, _COPY_TAIL = 19, 2


def _from_binary_copy(written) -> np.ndarray:
    """Rows of 64-bit numbers, none NULL, out of PostgreSQL's binary COPY format.

    It is read without making a Python object of each number.
    """
    rows = written[_COPY_HEAD : len(written) - _COPY_TAIL]
    if not len(rows):
        return np.empty((0, 2), np.int64)
    columns = int.from_bytes(rows[:2], "big")
    fields = [("fields", ">i2")]
    for place in range(columns):
        fields += [(f"length_{place}", ">i4"), (f"number_{place}", ">i8")]
    table = np.frombuffer(rows, dtype=fields)
    numbers = np.empty((len(table), columns), np.int64)
    for place in range(columns):
        numbers[:, place] = table[f"number_{place}"]
    return numbers


def _position(column: str) -> Expression:
    return Coalesce(Cast(Round(F(column) * DEGREE), BigIntegerField()), Value(NO_POSITION))


_CLINICS = _Wanted(
    "clinics",
    "pk",
    lambda _day: _numbers(
        Clinic.objects.published().order_by(),
        "pk",
        "place",
        _DayNumber("confirmed_on"),
        "shuffle_key",
        _position("latitude"),
        _position("longitude"),
    ),
)
_NAMES = _Wanted(
    "names",
    "pk",
    lambda _day: Clinic.objects.published().order_by().values_list("pk", "name"),
    is_text=True,
)
_PEOPLE = _Wanted(
    "people",
    "clinic",
    lambda _day: Practitioner.objects.order_by().values_list("clinic", "name"),
    is_text=True,
)


def _yes(**condition) -> Case:
    return Case(When(**condition, then=Value(1)), default=Value(0), output_field=IntegerField())


def _offer_rows(day: date, currencies: tuple[str, ...]) -> QuerySet:
    return _numbers(
        Offer.objects.order_by(),
        "pk",
        "clinic",
        "treatment",
        _yes(unit=Offer.Unit.SESSION),
        _cents("price_low"),
        _cents("price_high"),
        key_number("currency", currencies),
        "sessions_low",
        "sessions_high",
        _cents("consultation_fee"),
        _yes(price_confirmed_on__gte=day - timedelta(days=STALE_DAYS)),
        *(facet.key_number(day) for facet in OFFER_FACETS if facet.key_number),
    )


def read_facts(vocabulary: Vocabulary, day: date, clinics: list[int] | None = None) -> Facts:
    """Read the facts of these clinics, or of all. Nine queries with today's facets."""
    published = _CLINICS.read(day, clinics)
    pks = np.sort(published[:, 0])
    only = None if clinics is None else pks.tolist()
    names = dict(_NAMES.read(day, only))
    # Named for its facets, so that the text is written anew when they change.
    wanted = _Wanted(f"offers {[facet.name for facet in OFFER_FACETS]}", "clinic", _offer_rows)
    offers = wanted.read(day, only, vocabulary.currencies)
    offers = offers[_among(offers[:, 1], pks)] if len(offers) else _no_offers()
    offer_pks = None if clinics is None else offers[:, 0].tolist()
    return Facts(
        clinics=published.reshape(-1, 6) if len(published) else np.empty((0, 6), np.int64),
        names=names,
        people=[(pk, name) for pk, name in _PEOPLE.read(day, only) if pk in names],
        options={
            facet.name: _options(facet, vocabulary, day, only, pks) for facet in CLINIC_FACETS
        },
        offers=offers,
        offer_options={
            facet.name: _Wanted(
                f"options {facet.name}",
                "offer",
                lambda _day, facet=facet: _numbers(facet.rows(), "offer", facet.column),
            ).read(day, offer_pks)
            for facet in OFFER_FACETS
            if facet.rows
        },
    )


def _among(numbers: np.ndarray, pks: np.ndarray) -> np.ndarray:
    """Which of the numbers are among `pks`, which rise."""
    if not len(pks):
        return np.zeros(len(numbers), bool)
    places = np.minimum(np.searchsorted(pks, numbers), len(pks) - 1)
    return pks[places] == numbers


def _no_offers() -> np.ndarray:
    own = sum(facet.key_number is not None for facet in OFFER_FACETS)
    return np.empty((0, len(OFFER_COLUMNS) + own), np.int64)


def _options(facet: ClinicFacet, vocabulary: Vocabulary, day: date, only, pks) -> np.ndarray:
    wanted = _Wanted(
        f"options {facet.name}",
        facet.clinic,
        lambda day, keys: _numbers(facet.rows(day), facet.clinic, key_number(facet.column, keys)),
    )
    found = wanted.read(day, only, facet.keys(vocabulary))
    return found[(found[:, 1] != UNSTATED) & _among(found[:, 0], pks)]


def names_of(clinics: list[int]) -> dict[int, str]:
    """The names of these published clinics by primary key. One query."""
    return dict(_NAMES.read(None, clinics))


def expiring_between(one: date, other: date) -> set[int]:
    """Clinics with a check or price date that counts on one of the days only. Two queries."""
    first, last = sorted((one, other))
    checks = Check.objects.filter(expires_on__gte=first, expires_on__lt=last)
    clinics = set(checks.values_list("clinic", flat=True))
    dated = Q()
    for days in (FRESH_DAYS, STALE_DAYS):
        age = timedelta(days=days)
        dated |= Q(price_confirmed_on__gte=first - age, price_confirmed_on__lt=last - age)
    return clinics | set(Offer.objects.filter(dated).values_list("clinic", flat=True))
