"""From generated arrays into the tables of a PostgreSQL database, by COPY."""

import io
import struct
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from itertools import islice
from math import isfinite

import numpy as np
from django.core.management.color import no_style
from django.db import connection

from clinics.models import (
    Check,
    Clinic,
    Country,
    Currency,
    Language,
    Offer,
    Place,
    Practitioner,
)
from treatments.models import Alias, BodyArea, Concern, Treatment, TreatmentArea, TreatmentConcern
from treatments.text_folding import fold

from .timing import Row, milliseconds
from .vocabulary import LANGUAGES, RATES, Vocabulary
from .world import (
    ANAESTHESIA,
    CHECK_KINDS,
    FACILITIES,
    NEVER,
    PROFESSIONS,
    STATUSES,
    UNITS,
    World,
    area_columns,
    generate,
)

NULL = r"\N"
ROWS_AT_ONCE = 5_000
READ_BYTES = 1 << 20
# Rows whose text is made at once from arrays.
BLOCK = 200_000
# The head of a binary COPY: signature, no flags, no extension; and its end.
BINARY_HEAD = b"PGCOPY\n\xff\r\n\0" + struct.pack("!ii", 0, 0)
BINARY_END = struct.pack("!h", -1)
OFFER_AREAS, CLINIC_LANGUAGES = Offer.body_areas.through, Clinic.languages.through
FILLED = (Clinic, CLINIC_LANGUAGES, Practitioner, Check, Offer, OFFER_AREAS)


class TextStream(io.RawIOBase):
    """Rows of text as a file that COPY reads, made while the server takes them in."""

    def __init__(self, rows: Iterable[str]):
        self.rows = iter(rows)
        self.rest = b""

    def read(self, size: int = -1) -> bytes:
        while len(self.rest) < size and (some := list(islice(self.rows, ROWS_AT_ONCE))):
            self.rest += ("\n".join(some) + "\n").encode()
        head, self.rest = self.rest[:size], self.rest[size:]
        return head


def load(world: World) -> None:
    """Fill the empty tables of the default database. A million clinics: a few minutes.

    As superuser without triggers and foreign keys, which the generated rows keep anyway;
    otherwise they are checked, row by row.
    """
    load_vocabulary(world.vocabulary, world.today)
    with connection.cursor() as cursor, without_triggers(cursor), without_indexes(cursor):
        copy_text(cursor, Clinic, clinic_rows(world), CLINIC_COLUMNS)
        clinic, language = np.nonzero(world.languages)
        copy_binary(cursor, CLINIC_LANGUAGES, clinic + 1, np.array(LANGUAGES, "S2")[language])
        copy_text(cursor, Practitioner, people_rows(world), PEOPLE_COLUMNS)
        copy_text(cursor, Check, check_rows(world), CHECK_COLUMNS)
        copy_text(cursor, Offer, offer_rows(world), OFFER_COLUMNS)
        offer, area = np.nonzero(area_columns(world.offers.areas))
        copy_binary(cursor, OFFER_AREAS, offer + 1, area + 1)
        for statement in connection.ops.sequence_reset_sql(no_style(), FILLED):
            cursor.execute(statement)


def measure(size: int, today: date) -> list[Row]:
    """Load generated clinics, and leave the database as quick to read as it gets."""
    seconds = milliseconds(lambda: load(generate(size, today))) / 1000
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
        cursor.execute("SELECT pg_database_size(current_database())")
        (stored,) = cursor.fetchone()
    return [Row("load", size, figures={"seconds": round(seconds, 1), "stored_mb": stored // 10**6})]


def load_vocabulary(terms: Vocabulary, today: date) -> None:
    """Countries, towns, languages, currencies and the catalogue, keys from 1 in their order."""
    Currency.objects.bulk_create(
        Currency(code=code, per_euro=rate, rate_date=today, rate_source="generated")
        for code, rate in RATES.items()
    )
    Language.objects.bulk_create(
        Language(code=code, slug=f"language-{code}", name=code) for code in LANGUAGES
    )
    Country.objects.bulk_create(
        Country(code=code, slug=slug, name=name)
        for code, slug, name in zip(
            terms.country_codes, terms.country_slugs, terms.country_names, strict=True
        )
    )
    Place.objects.bulk_create(
        Place(
            pk=number + 1,
            slug=slug,
            name=terms.place_names[number],
            country_id=terms.country_codes[terms.place_country[number]],
            latitude=f"{terms.place_point[number, 0]:.5f}",
            longitude=f"{terms.place_point[number, 1]:.5f}",
            timezone="Europe/Paris",
        )
        for number, slug in enumerate(terms.place_slugs)
    )
    BodyArea.objects.bulk_create(
        BodyArea(pk=number + 1, slug=slug, name=slug.capitalize().replace("-", " "))
        for number, slug in enumerate(terms.area_slugs)
    )
    Concern.objects.bulk_create(
        Concern(pk=number + 1, slug=slug, name=slug.capitalize().replace("-", " "))
        for number, slug in enumerate(terms.concern_slugs)
    )
    Treatment.objects.bulk_create(
        Treatment(
            pk=number + 1,
            slug=terms.treatment_slugs[number],
            name=f"Mesotherapy {name}",
            short_name=name,
            evidence_level=Treatment.EvidenceLevel.LOW,
            position=number,
        )
        for number, name in enumerate(terms.treatment_names)
    )
    for link, field, table in (
        (TreatmentConcern, "concern_id", terms.treatment_concerns),
        (TreatmentArea, "body_area_id", terms.treatment_areas),
    ):
        link.objects.bulk_create(
            link(**{"treatment_id": int(treatment) + 1, field: int(term) + 1})
            for treatment, term in zip(*np.nonzero(table), strict=True)
        )
    with connection.cursor() as cursor:
        for statement in connection.ops.sequence_reset_sql(
            no_style(), [Place, BodyArea, Concern, Treatment, Alias]
        ):
            cursor.execute(statement)


@contextmanager
def without_triggers(cursor):
    """Leave triggers and foreign keys aside, where the account may."""
    cursor.execute("SELECT current_setting('is_superuser') = 'on'")
    if not cursor.fetchone()[0]:
        yield
        return
    cursor.execute("SET session_replication_role = replica")
    yield
    cursor.execute("SET session_replication_role = origin")


@contextmanager
def without_indexes(cursor):
    """Drop the plain indexes of the filled tables and make them again at the end.

    Those that hold a constraint stay.
    """
    cursor.execute(
        "SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index"
        " WHERE indrelid::regclass::text = ANY(%s)"
        " AND indexrelid NOT IN (SELECT conindid FROM pg_constraint)",
        [[model._meta.db_table for model in FILLED]],
    )
    indexes = cursor.fetchall()
    for name, _definition in indexes:
        cursor.execute(f"DROP INDEX {name}")
    yield
    for _name, definition in indexes:
        cursor.execute(definition)


def copy_text(cursor, model, rows: Iterable[str], columns: tuple[str, ...]) -> None:
    """COPY lines whose columns are parted by tabs."""
    table = f"{model._meta.db_table} ({', '.join(columns)})"
    cursor.copy_expert(f"COPY {table} FROM STDIN", TextStream(rows), READ_BYTES)


def copy_binary(cursor, model, owner: np.ndarray, value: np.ndarray) -> None:
    """COPY a table of pairs: a number from 1, `owner`, and `value` (a number or two letters)."""
    is_number = value.dtype.kind == "i"
    row = np.dtype(
        [
            *(("columns", ">i2"), ("pk_size", ">i4"), ("pk", ">i8"), ("owner_size", ">i4")),
            *(("owner", ">i8"), ("value_size", ">i4"), ("value", ">i8" if is_number else "S2")),
        ]
    )
    rows = np.zeros(len(owner), dtype=row)
    rows["columns"] = 3
    rows["pk_size"] = rows["owner_size"] = 8
    rows["pk"] = np.arange(1, len(owner) + 1)
    rows["owner"] = owner
    rows["value_size"] = 8 if is_number else 2
    rows["value"] = value
    stream = io.BytesIO(BINARY_HEAD + rows.tobytes() + BINARY_END)
    # Django names the columns of a link table after the two models, in this order.
    columns = ", ".join(field.column for field in model._meta.concrete_fields)
    table = f"{model._meta.db_table} ({columns})"
    cursor.copy_expert(f"COPY {table} FROM STDIN (FORMAT binary)", stream, READ_BYTES)


def blocks(*columns) -> Iterator[tuple]:
    """Rows of several arrays or tables as Python values, without holding them all at once."""
    for start in range(0, len(columns[0]), BLOCK):
        part = (column[start : start + BLOCK].tolist() for column in columns)
        yield from zip(*part, strict=True)


class Days(dict):
    """Ages in days as dates for COPY, those below nought in the future, NEVER as NULL."""

    def __init__(self, today: date):
        super().__init__({NEVER: NULL})
        self.today = today

    def __missing__(self, age: int) -> str:
        self[age] = (self.today - timedelta(days=age)).isoformat()
        return self[age]


CLINIC_COLUMNS = (
    *("id", "slug", "name", "name_folded", "facility_type", "place_id", "address", "postcode"),
    *("latitude", "longitude", "phone", "email", "website", "description", "status"),
    *("is_sample", "confirmed_on", "import_digest", "shuffle_key", "created_at", "updated_at"),
)


def clinic_rows(world: World) -> Iterator[str]:
    words, folded = world.vocabulary.words, [fold(word) for word in world.vocabulary.words]
    days = Days(world.today)
    rows = blocks(
        *(world.words, world.facility, world.place, world.point, world.status),
        *(world.confirmed, world.shuffle_key),
    )
    for pk, (parts, facility, place, (north, east), status, age, shuffle_key) in enumerate(rows, 1):
        used = [part for part in parts if part >= 0]
        name = " ".join([words[part] for part in used])
        plain = [folded[part] for part in used]
        point = f"{north:.5f}\t{east:.5f}" if isfinite(north) else f"{NULL}\t{NULL}"
        yield (
            f"{pk}\t{'-'.join(plain)}-{pk}\t{name}\t {' '.join(plain)}\t{FACILITIES[facility]}\t"
            f"{place + 1}\t{pk % 200} Main Street\t\t{point}\t\t\t\tA generated clinic.\t"
            f"{STATUSES[status]}\tf\t{days[age]}\t\t{shuffle_key}\t{days[0]}\t{days[0]}"
        )


PEOPLE_COLUMNS = (
    *("id", "clinic_id", "name", "name_folded", "profession"),
    *("registration_body", "registration_number"),
)


def people_rows(world: World) -> Iterator[str]:
    first, last = world.vocabulary.first_names, world.vocabulary.last_names
    first_folded, last_folded = [fold(name) for name in first], [fold(name) for name in last]
    people = world.people
    rows = blocks(people.clinic, people.first_name, people.last_name, people.profession)
    for pk, (clinic, given, family, profession) in enumerate(rows, 1):
        yield (
            f"{pk}\t{clinic + 1}\t{first[given]} {last[family]}\t"
            f" {first_folded[given]} {last_folded[family]}\t{PROFESSIONS[profession]}\t\t"
        )


CHECK_COLUMNS = (
    *("id", "clinic_id", "kind", "scope", "register", "number", "link"),
    *("result", "checked_on", "expires_on"),
)


def check_rows(world: World) -> Iterator[str]:
    checks, days = world.checks, Days(world.today)
    rows = blocks(checks.clinic, checks.kind, checks.is_confirmed, checks.made, checks.life)
    for pk, (clinic, kind, is_confirmed, made, life) in enumerate(rows, 1):
        result = Check.Result.CONFIRMED if is_confirmed else Check.Result.FAILED
        expires = days[made - life] if life else NULL
        yield (
            f"{pk}\t{clinic + 1}\t{CHECK_KINDS[kind]}\t\tGenerated register\t\t\t{result}\t"
            f"{days[made]}\t{expires}"
        )


OFFER_COLUMNS = (
    *("id", "clinic_id", "treatment_id", "label", "price_low", "price_high", "currency_id"),
    *("unit", "sessions_low", "sessions_high", "course_price", "course_sessions"),
    *("refund_rule", "consultation_fee", "anaesthesia", "product", "price_confirmed_on"),
)


def offer_rows(world: World) -> Iterator[str]:
    offers, days, codes = world.offers, Days(world.today), world.vocabulary.currency_codes
    rows = blocks(
        *(offers.clinic, offers.treatment, offers.is_duplicate, offers.price_low),
        *(offers.price_high, offers.currency, offers.unit, offers.sessions_low),
        *(offers.sessions_high, offers.course_price, offers.course_sessions),
        *(offers.consultation_fee, offers.anaesthesia, offers.has_product, offers.confirmed),
    )
    for pk, row in enumerate(rows, 1):
        clinic, treatment, is_duplicate, low, high, currency, unit = row[:7]
        fewest, most, course, in_course, fee, anaesthesia, has_product, age = row[7:]
        yield (
            f"{pk}\t{clinic + 1}\t{treatment + 1}\t{'small area' if is_duplicate else ''}\t"
            f"{money(low)}\t{money(high)}\t{NULL if low < 0 else codes[currency]}\t{UNITS[unit]}\t"
            f"{fewest or NULL}\t{most or NULL}\t{money(course)}\t{in_course or NULL}\tnot-said\t"
            f"{money(fee)}\t{ANAESTHESIA[anaesthesia]}\t{'Sample HA 18' if has_product else ''}\t"
            f"{days[age]}"
        )


def money(hundredths: int) -> str:
    """An amount for COPY; all generated prices are whole."""
    return NULL if hundredths < 0 else f"{hundredths // 100}.00"
