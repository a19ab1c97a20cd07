"""Generated clinics as arrays: what is loaded into the database, and what answers are
held against.

Nothing here is a real clinic. The shares and shapes (towns, treatments, prices, gaps)
follow what directories of this kind look like; docs/performance.md lists them.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np

from clinics.models import Check, Clinic, Offer, Practitioner

from .vocabulary import (
    AREAS,
    FIRST_NAMES,
    LANGUAGES,
    LAST_NAMES,
    NAME_WORDS,
    RATES,
    SEED,
    TREATMENTS,
    Vocabulary,
    draw,
    vocabulary,
    zipf,
)

# Outside every age in days; those below nought are days to come.
NEVER = -10_000
NO_PRICE = -1
LONGEST_NAME = 4
MOST_OFFERS = 12
# How many clinics are drawn at once: bounds the memory of the table clinics x treatments.
BLOCK = 50_000

STATUSES = (Clinic.Status.PUBLISHED, *(s for s in Clinic.Status if s != Clinic.Status.PUBLISHED))
STATUS_SHARES = np.array([0.96, 0.016, 0.012, 0.012])
FACILITIES = tuple(Clinic.FacilityType)
FACILITY_SHARES = np.array([0.08, 0.46, 0.22, 0.06, 0.08, 0.10])
PROFESSIONS = tuple(Practitioner.Profession)
PROFESSION_SHARES = np.array([0.2, 0.1, 0.32, 0.08, 0.06, 0.15, 0.02, 0.07])
CHECK_KINDS = tuple(Check.Kind)
CHECK_COUNTS = np.array([0.6, 0.21, 0.11, 0.08])
CHECK_LIVES = np.array([0, 365, 730, 1095])
UNITS = tuple(Offer.Unit)
UNIT_SHARES = np.array([0.85, 0.10, 0.05])
ANAESTHESIA = tuple(Offer.Anaesthesia)
ANAESTHESIA_SHARES = np.array([0.5, 0.15, 0.28, 0.07])


@dataclass(frozen=True)
class Offers:
    """One entry an offer, in the order of primary keys from 1, those of a clinic together.

    `clinic` and `treatment` are positions. Prices are hundredths of the clinic's currency,
    NO_PRICE where none is stated; `confirmed` is an age in days or NEVER; `areas` has one
    bit a body area. `sessions_*`, `course_sessions` are 0 where nothing is said.
    """

    clinic: np.ndarray
    treatment: np.ndarray
    is_duplicate: np.ndarray
    areas: np.ndarray
    price_low: np.ndarray
    price_high: np.ndarray
    currency: np.ndarray
    unit: np.ndarray
    sessions_low: np.ndarray
    sessions_high: np.ndarray
    course_price: np.ndarray
    course_sessions: np.ndarray
    consultation_fee: np.ndarray
    anaesthesia: np.ndarray
    has_product: np.ndarray
    confirmed: np.ndarray


@dataclass(frozen=True)
class People:
    """Practitioners, those of a clinic together; names are positions."""

    clinic: np.ndarray
    first_name: np.ndarray
    last_name: np.ndarray
    profession: np.ndarray


@dataclass(frozen=True)
class Checks:
    """Checks, those of a clinic together. `made` and `life` are days; life 0 never expires."""

    clinic: np.ndarray
    kind: np.ndarray
    is_confirmed: np.ndarray
    made: np.ndarray
    life: np.ndarray


@dataclass(frozen=True)
class World:
    """A directory of `size` clinics on the day `today`. Clinic number i has primary key i + 1.

    `words` holds up to four positions a clinic, -1 beyond the last; `point` is in degrees,
    NaN where unknown; `confirmed` is an age in days or NEVER; `languages` has one row of
    booleans a clinic.
    """

    size: int
    today: date
    vocabulary: Vocabulary
    status: np.ndarray
    facility: np.ndarray
    place: np.ndarray
    words: np.ndarray
    point: np.ndarray
    confirmed: np.ndarray
    shuffle_key: np.ndarray
    languages: np.ndarray
    offers: Offers
    people: People
    checks: Checks

    @property
    def is_published(self) -> np.ndarray:
        return self.status == 0


def generate(size: int, today: date) -> World:
    """Make a directory; the same for the same size. A million takes half a minute and 1 GB."""
    chance = np.random.default_rng([SEED, size])
    terms = vocabulary()
    place = draw(chance, terms.place_share, size)
    length = draw(chance, np.array([0.45, 0.4, 0.15]), size) + 2
    words = draw(chance, zipf(NAME_WORDS, 0.8), size * LONGEST_NAME).reshape(size, LONGEST_NAME)
    words[np.arange(LONGEST_NAME) >= length[:, None]] = -1
    point = np.round(terms.place_point[place] + chance.normal(0, 0.03, (size, 2)), 5)
    point[chance.random(size) < 0.08] = np.nan
    confirmed = chance.integers(0, 401, size).astype(np.int16)
    confirmed[chance.random(size) < 0.1] = NEVER
    return World(
        size=size,
        today=today,
        vocabulary=terms,
        status=draw(chance, STATUS_SHARES, size).astype(np.int8),
        facility=draw(chance, FACILITY_SHARES, size).astype(np.int8),
        place=place,
        words=words,
        point=point,
        confirmed=confirmed,
        shuffle_key=chance.integers(1, 2**31, size),
        languages=drawn_without_repeat(
            chance, zipf(len(LANGUAGES)), draw(chance, np.array([0.3, 0.35, 0.25, 0.1]), size) + 1
        ),
        offers=make_offers(chance, terms, place, confirmed),
        people=make_people(chance, size),
        checks=make_checks(chance, size),
    )


def ranked_by_chance(
    chance: np.random.Generator, probabilities: np.ndarray, rows: int
) -> np.ndarray:
    """All positions for each row, drawn one after the other without putting back."""
    # The order of log p + Gumbel noise is that of drawing without replacement.
    noise = chance.gumbel(size=(rows, len(probabilities))).astype(np.float32)
    return np.argsort(-(np.log(probabilities).astype(np.float32) + noise), axis=1)


def drawn_without_repeat(
    chance: np.random.Generator, probabilities: np.ndarray, counts: np.ndarray
) -> np.ndarray:
    """For each count a row of booleans with so many set."""
    table = np.zeros((len(counts), len(probabilities)), dtype=bool)
    for start in range(0, len(counts), BLOCK):
        block = counts[start : start + BLOCK]
        ranked = ranked_by_chance(chance, probabilities, len(block))
        rows, nth = np.nonzero(np.arange(len(probabilities)) < block[:, None])
        table[start + rows, ranked[rows, nth]] = True
    return table


def make_offers(
    chance: np.random.Generator, terms: Vocabulary, place: np.ndarray, clinic_age: np.ndarray
) -> Offers:
    """One to twelve offers a clinic, in the currency of its country."""
    counts = chance.integers(1, MOST_OFFERS + 1, len(place))
    clinic = np.repeat(np.arange(len(place), dtype=np.int32), counts)
    treatment = []
    for start in range(0, len(place), BLOCK):
        block = counts[start : start + BLOCK]
        ranked = ranked_by_chance(chance, zipf(TREATMENTS), len(block))
        treatment.append(ranked[np.arange(TREATMENTS) < block[:, None]].astype(np.int8))
    treatment = np.concatenate(treatment)
    total = len(clinic)
    # The same treatment once more for another part of the body, at another price.
    is_duplicate = np.zeros(total, dtype=bool)
    is_duplicate[1:] = (clinic[1:] == clinic[:-1]) & (chance.random(total - 1) < 0.03)
    is_duplicate[1:] &= ~is_duplicate[:-1]
    repeats = np.flatnonzero(is_duplicate)
    treatment[repeats] = treatment[repeats - 1]
    currency = terms.country_currency[terms.place_country[place]][clinic]
    rate = np.array([float(rate) for rate in RATES.values()])[currency]
    level = np.exp(chance.normal(0, 0.3, len(place)))[clinic] * chance.lognormal(0, 0.3, total)
    low = round_price(terms.treatment_price[treatment] * level * rate)
    wider = np.where(chance.random(total) < 0.2, chance.uniform(1.2, 2, total), 1)
    high = np.maximum(low, round_price(low * wider / 100))
    has_price = chance.random(total) < 0.7
    says_sessions = chance.random(total) < 0.6
    fewest = chance.integers(1, 7, total)
    sells_course = has_price & says_sessions & (fewest > 1) & (chance.random(total) < 0.25)
    course = round_price(low * fewest * 0.85 / 100)
    age = clinic_age[clinic]
    own_age = chance.integers(0, 401, total)
    age = np.where(chance.random(total) < 0.12, own_age, age)
    return Offers(
        clinic=clinic,
        treatment=treatment,
        is_duplicate=is_duplicate,
        areas=one_or_two_areas(chance, terms, treatment),
        price_low=np.where(has_price, low, NO_PRICE),
        price_high=np.where(has_price, high, NO_PRICE),
        currency=currency,
        unit=draw(chance, UNIT_SHARES, total).astype(np.int8),
        sessions_low=np.where(says_sessions, fewest, 0).astype(np.int8),
        sessions_high=np.where(says_sessions, fewest + draw(chance, zipf(5), total), 0).astype(
            np.int8
        ),
        course_price=np.where(sells_course, course, NO_PRICE),
        course_sessions=np.where(sells_course, fewest, 0).astype(np.int8),
        consultation_fee=np.where(
            has_price & (chance.random(total) < 0.3),
            np.where(chance.random(total) < 0.5, 0, round_price(40 * rate)),
            NO_PRICE,
        ),
        anaesthesia=draw(chance, ANAESTHESIA_SHARES, total).astype(np.int8),
        has_product=chance.random(total) < 0.3,
        confirmed=np.where(has_price, age, NEVER).astype(np.int16),
    )


def round_price(units: np.ndarray) -> np.ndarray:
    """Hundredths of a price that people ask: two figures, the second in halves at most."""
    step = 10.0 ** np.floor(np.log10(units)) / 20
    return (np.maximum(1, np.round(np.round(units / step) * step)) * 100).astype(np.int64)


def one_or_two_areas(
    chance: np.random.Generator, terms: Vocabulary, treatment: np.ndarray
) -> np.ndarray:
    """For each offer the bits of one or two of its treatment's areas."""
    own = [np.flatnonzero(row) for row in terms.treatment_areas]
    size = np.array([len(areas) for areas in own])
    table = np.array([[areas[i % len(areas)] for i in range(3)] for areas in own])
    first = chance.integers(0, size[treatment])
    second = (first + 1) % size[treatment]
    bits = 1 << table[treatment, first]
    takes_two = chance.random(len(treatment)) < 0.5
    return np.where(takes_two, bits | 1 << table[treatment, second], bits).astype(np.int16)


def make_people(chance: np.random.Generator, size: int) -> People:
    """One to four practitioners a clinic, no two of one name."""
    counts = draw(chance, np.array([0.35, 0.3, 0.2, 0.15]), size) + 1
    clinic = np.repeat(np.arange(size, dtype=np.int32), counts)
    nth = np.arange(len(clinic)) - np.repeat(np.cumsum(counts) - counts, counts)
    family = draw(chance, zipf(LAST_NAMES, 0.6), size)[clinic]
    return People(
        clinic=clinic,
        first_name=draw(chance, zipf(FIRST_NAMES, 0.8), len(clinic)).astype(np.int16),
        last_name=((family + 997 * nth) % LAST_NAMES).astype(np.int16),
        profession=draw(chance, PROFESSION_SHARES, len(clinic)).astype(np.int8),
    )


def make_checks(chance: np.random.Generator, size: int) -> Checks:
    """None to three checks a clinic, some failed, some expired."""
    counts = draw(chance, CHECK_COUNTS, size)
    clinic = np.repeat(np.arange(size, dtype=np.int32), counts)
    total = len(clinic)
    return Checks(
        clinic=clinic,
        kind=draw(chance, zipf(len(CHECK_KINDS), 0.7), total).astype(np.int8),
        is_confirmed=chance.random(total) < 0.9,
        made=chance.integers(0, 700, total).astype(np.int16),
        life=CHECK_LIVES[chance.integers(0, len(CHECK_LIVES), total)].astype(np.int16),
    )


def area_columns(areas: np.ndarray) -> np.ndarray:
    """One row of booleans an offer, one column a body area."""
    return (areas[:, None] >> np.arange(AREAS)) & 1 == 1
