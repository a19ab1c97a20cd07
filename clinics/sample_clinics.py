"""What a fictional sample clinic is like: from its number to unsaved models.

Clinic number n comes from a random generator of its own, so that it is the same
however many are made. Nothing here reads or writes the database.
"""

import math
import random
from copy import copy
from dataclasses import dataclass, field
from datetime import date, time, timedelta
from decimal import Decimal

from django.utils.text import slugify

from treatments.text_folding import fold

from .models import Check, Clinic, Offer, OpeningHours, Practitioner
from .sample_content import SampleContent

KEY_PREFIX = "sample:"

DESCRIPTION = "A fictional clinic, made up to show how Mesoguide works."
SPA_DESCRIPTION = "A fictional beauty spa, made up to show how Mesoguide works."
REGISTER = "Sample register (fictional)"

Facility = Clinic.FacilityType
Profession = Practitioner.Profession

# Each pair: a value, and how often it is drawn relative to the others.
FACILITY_TYPES = {
    Facility.MEDICAL_CLINIC: 46,
    Facility.PRACTICE: 22,
    Facility.SPA: 10,
    Facility.HOSPITAL: 8,
    Facility.NURSE_LED: 8,
    Facility.DENTAL: 6,
}
STATUSES = {
    Clinic.Status.PUBLISHED: 970,
    Clinic.Status.DRAFT: 12,
    Clinic.Status.IN_REVIEW: 10,
    Clinic.Status.SUSPENDED: 8,
}
PROFESSIONS = {
    Facility.HOSPITAL: {Profession.DERMATOLOGIST: 5, Profession.PLASTIC_SURGEON: 4},
    Facility.MEDICAL_CLINIC: {
        Profession.AESTHETIC_DOCTOR: 9,
        Profession.DERMATOLOGIST: 5,
        Profession.NURSE: 5,
        Profession.PLASTIC_SURGEON: 2,
        Profession.OTHER_DOCTOR: 2,
        Profession.PHARMACIST: 1,
    },
    Facility.PRACTICE: {
        Profession.AESTHETIC_DOCTOR: 5,
        Profession.DERMATOLOGIST: 4,
        Profession.OTHER_DOCTOR: 4,
    },
    Facility.DENTAL: {Profession.DENTIST: 8, Profession.NURSE: 1},
    Facility.NURSE_LED: {Profession.NURSE: 9, Profession.PHARMACIST: 1},
    Facility.SPA: {Profession.BEAUTICIAN: 9, Profession.NURSE: 1},
}
REGISTRATION_BODIES = {
    Profession.DENTIST: "Sample dental register",
    Profession.NURSE: "Sample nursing register",
    Profession.PHARMACIST: "Sample pharmacy register",
}
MEDICAL_FACILITIES = {
    Facility.HOSPITAL,
    Facility.MEDICAL_CLINIC,
    Facility.PRACTICE,
    Facility.DENTAL,
}
# How long ago a listing was confirmed, in days; None for never.
AGES = {(3, 165): 60, (185, 235): 10, (250, 500): 20, None: 10}
HOURS = {
    (("09:00", "18:00"),): 4,
    (("10:00", "19:00"),): 3,
    (("08:30", "17:00"),): 2,
    (("11:00", "20:00"),): 1,
    (("09:00", "13:00"), ("14:00", "18:30")): 2,
    (("09:30", "13:00"), ("15:00", "19:30")): 1,
}
HALF_DAY = (("10:00", "14:00"),)
VALID_DAYS = {
    Check.Kind.LICENCE: 365,
    Check.Kind.INSURANCE: 365,
    Check.Kind.PREMISES: 730,
    Check.Kind.QUALIFICATION: None,
}
FURTHER_LANGUAGES = ("en", "fr", "es", "de", "ar", "ru", "it", "pt", "zh", "tr", "uk", "fa")
# At most about a kilometre from the middle of the town, so that ports stay dry.
STRAY_DEGREES = 0.011
# A label of a host name holds 63 characters, and the slug is one.
SLUG_NAME_LENGTH = 45


@dataclass
class SampleClinic:
    """One clinic and what hangs from it, unsaved.

    Languages are codes; body areas stand beside each offer as primary keys.
    """

    clinic: Clinic
    place: str
    languages: list[str] = field(default_factory=list)
    hours: list[OpeningHours] = field(default_factory=list)
    practitioners: list[Practitioner] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)
    offers: list[tuple[Offer, list[int]]] = field(default_factory=list)


def import_key(number: int) -> str:
    """The key by which a later run finds sample clinic `number` again."""
    return f"{KEY_PREFIX}{number}"


def make_sample_clinic(
    number: int, content: SampleContent, treatments: dict[str, tuple[int, list[int]]], today: date
) -> SampleClinic:
    """Sample clinic `number`, from 1.

    `treatments` maps the slug of each treatment that may be offered to its primary
    key and those of its body areas. All dates are relative to `today`.
    """
    draw = _Draw(f"mesoguide sample clinic {number}")
    town = content.town_of(number)
    age = draw.weighted(AGES)
    confirmed_on = age and today - timedelta(days=draw.randint(*age))
    sample = SampleClinic(_clinic(draw, number, town, confirmed_on), place=town.place["slug"])
    sample.languages = _languages(draw, town.customs)
    sample.hours = _hours(draw, sample.clinic, town.customs)
    sample.practitioners = _practitioners(draw, sample.clinic, town, today)
    sample.checks = _checks(draw, sample.clinic, sample.practitioners, today)
    possible = _possible_offers(sample.clinic, town, content.offers, treatments)
    sample.offers = _offers(draw, sample.clinic, town, possible, today)
    return sample


class _Draw(random.Random):
    """The random generator of one clinic, with two shorthands."""

    def weighted(self, weights: dict):
        return self.choices(list(weights), list(weights.values()))[0]

    def chance(self, share: float) -> bool:
        return self.random() < share


def _clinic(draw, number, town, confirmed_on) -> Clinic:
    facility_type = draw.weighted(FACILITY_TYPES)
    latin_name, name, street = _name(draw, facility_type, town)
    slug = f"{slugify(fold(latin_name))[:SLUG_NAME_LENGTH].strip('-')}-{number}"
    clinic = Clinic(
        slug=slug,
        name=name,
        facility_type=facility_type,
        address=street.format(n=draw.randint(1, 180)),
        email=f"contact@{slug}.example" if draw.chance(0.9) else "",
        website=f"https://{slug}.example/" if draw.chance(0.85) else "",
        phone=_phone(number, town.phones),
        description=SPA_DESCRIPTION if facility_type == Facility.SPA else DESCRIPTION,
        status=draw.weighted(STATUSES),
        is_sample=True,
        confirmed_on=confirmed_on,
        import_key=import_key(number),
        shuffle_key=draw.randrange(1, 2**31),
    )
    if draw.chance(0.85):
        clinic.latitude = _stray(draw, town.place["latitude"])
        clinic.longitude = _stray(draw, town.place["longitude"])
    return clinic


def _name(draw, facility_type, town) -> tuple[str, str, str]:
    """The name in Latin letters, the name on the door, and the pattern of the street."""
    words = town.words
    pattern = draw.randrange(len(words["patterns"][facility_type]))
    first, second = draw.sample(range(len(words["nouns"])), 2)
    is_native = draw.chance(town.customs.get("local_script", 0))

    def written(way):
        patterns = way["patterns"][facility_type]
        return patterns[pattern % len(patterns)].format(
            a=way["nouns"][first], b=way["nouns"][second]
        )

    way = words["native"] if is_native else words
    return written(words), written(way), way["street"]


def _phone(number: int, numbers: dict | None) -> str:
    """A number kept for fiction, or nothing where none is."""
    if not numbers:
        return ""
    return numbers["pattern"].format(n=numbers["first"] + number % numbers["count"])


def _stray(draw, degrees: str) -> Decimal:
    stray = draw.uniform(-STRAY_DEGREES, STRAY_DEGREES)
    return Decimal(degrees) + Decimal(f"{stray:.5f}")


def _languages(draw, customs) -> list[str]:
    count = draw.weighted({1: 3, 2: 4, 3: 2, 4: 1})
    own = customs["speaks"]
    further = [code for code in FURTHER_LANGUAGES if code not in own]
    # English is the commonest second language; the rest come in any order.
    if "en" in further and draw.chance(0.7):
        further.remove("en")
        further = ["en", *draw.sample(further, len(further))]
    else:
        further = draw.sample(further, len(further))
    return [*own, *further][:count]


def _hours(draw, clinic, customs) -> list[OpeningHours]:
    if draw.chance(0.15):
        return []
    spans = draw.weighted(HOURS)
    closed = customs.get("weekend", [6])
    shorter = closed[0] - 1
    before_weekend = draw.weighted({spans: 3, HALF_DAY: 4, (): 3})
    return [
        OpeningHours(
            clinic=clinic,
            weekday=weekday,
            opens=time.fromisoformat(opens),
            closes=time.fromisoformat(closes),
        )
        for weekday in range(7)
        if weekday not in closed
        for opens, closes in (before_weekend if weekday == shorter else spans)
    ]


def _practitioners(draw, clinic, town, today) -> list[Practitioner]:
    is_one_person = clinic.facility_type in (Facility.PRACTICE, Facility.DENTAL)
    count = draw.weighted({0: 1, 1: 6, 2: 2} if is_one_person else {0: 3, 1: 4, 2: 4, 3: 2})
    names = []
    while len(names) < count:
        name = f"{draw.choice(town.people['first'])} {draw.choice(town.people['last'])}"
        if name not in names:
            names.append(name)
    practitioners = []
    for name in names:
        profession = draw.weighted(PROFESSIONS[clinic.facility_type])
        is_registered = profession != Profession.BEAUTICIAN and draw.chance(0.75)
        body = REGISTRATION_BODIES.get(profession, "Sample medical register")
        practitioners.append(
            Practitioner(
                clinic=clinic,
                name=name,
                profession=profession,
                registration_body=f"{body}, {town.customs['name']}" if is_registered else "",
                registration_number=_sample_number(draw) if is_registered else "",
                practising_since=today.year - draw.randint(2, 34) if draw.chance(0.7) else None,
            )
        )
    return practitioners


def _sample_number(draw) -> str:
    return f"SAMPLE-{draw.randint(10000, 99999)}"


def _checks(draw, clinic, practitioners, today) -> list[Check]:
    if not draw.chance(0.57):
        return []
    kinds = [kind for kind in VALID_DAYS if practitioners or kind != Check.Kind.QUALIFICATION]
    checks = []
    for kind in draw.sample(kinds, draw.randint(1, len(kinds))):
        is_of_person = bool(practitioners) and kind == Check.Kind.QUALIFICATION
        checked_on = today - timedelta(days=draw.randint(5, 520))
        days = VALID_DAYS[kind]
        has_failed = draw.chance(0.12)
        checks.append(
            Check(
                clinic=clinic,
                practitioner=draw.choice(practitioners) if is_of_person else None,
                kind=kind,
                register=REGISTER,
                number="" if has_failed else _sample_number(draw),
                result=Check.Result.FAILED if has_failed else Check.Result.CONFIRMED,
                checked_on=checked_on,
                expires_on=checked_on + timedelta(days=days) if days and not has_failed else None,
            )
        )
    return checks


def _possible_offers(clinic, town, offers, treatments) -> dict[str, dict]:
    """The rows of offers.yaml from which this clinic draws, by slug, with keys of models."""
    is_medical = clinic.facility_type in MEDICAL_FACILITIES
    return {
        slug: {**offered, "treatment": treatments[slug][0], "areas": treatments[slug][1]}
        for slug, offered in offers.items()
        if slug in treatments
        and town.place["country"] not in offered.get("not_in", ())
        and (is_medical or not offered.get("medical_only"))
    }


def _offers(draw, clinic, town, possible, today) -> list[tuple[Offer, list[int]]]:
    weights = {slug: offered["weight"] for slug, offered in possible.items()}
    states_prices = draw.chance(0.91)
    dearness = town.customs["level"] * draw.uniform(0.8, 1.25)
    fee = draw.weighted({None: 4, 0: 3, 1: 3})
    consultation_fee = fee and _round_price(dearness * draw.uniform(35, 95))
    made = []
    for _turn in range(draw.weighted({1: 2, 2: 4, 3: 5, 4: 4, 5: 3, 6: 2, 7: 1})):
        if not weights:
            break
        slug = draw.weighted(weights)
        del weights[slug]
        offered = possible[slug]
        offer = Offer(
            clinic=clinic,
            treatment_id=offered["treatment"],
            unit=draw.weighted(offered["units"]),
            anaesthesia=draw.weighted({"not-said": 45, "none": 15, "cream": 35, "local": 5}),
            product=draw.choice(offered["product"]) if draw.chance(0.6) else "",
            consultation_fee=consultation_fee,
        )
        if draw.chance(0.8):
            offer.sessions_low, offer.sessions_high = draw.choice(offered["sessions"])
        if states_prices and draw.chance(0.94):
            _state_price(draw, offer, offered["price"], dearness, today)
        if offer.has_price or offer.consultation_fee is not None:
            offer.currency_id = town.customs["currency"]
        sizes = [offer]
        if offer.unit == Offer.Unit.AREA and offer.has_price and draw.chance(0.3):
            sizes.append(_for_large_area(draw, offer))
        offered_areas = _some_areas(draw, offered["areas"])
        made += [(size, offered_areas) for size in sizes]
    return made


def _for_large_area(draw, offer: Offer) -> Offer:
    """Labels `offer` as the one for a small area, and returns a dearer one for a large area."""
    offer.label = "Small area"
    large = copy(offer)
    large.label = "Large area"
    factor = draw.uniform(1.4, 2)
    large.price_low = _round_price(float(offer.price_low) * factor)
    large.price_high = max(large.price_low, _round_price(float(offer.price_high) * factor))
    return large


def _state_price(draw, offer, euro_range, dearness, today) -> None:
    offer.price_low = offer.price_high = _round_price(dearness * draw.uniform(*euro_range))
    if draw.chance(0.45):
        offer.price_high = _round_price(float(offer.price_low) * draw.uniform(1.15, 1.7))
    if offer.unit == Offer.Unit.SESSION and (offer.sessions_high or 0) > 1 and draw.chance(0.35):
        offer.course_sessions = draw.randint(max(2, offer.sessions_low), offer.sessions_high)
        single = float(offer.price_low) * offer.course_sessions
        offer.course_price = _round_price(single * draw.uniform(0.8, 0.95))
        offer.refund_rule = draw.weighted({"not-said": 4, "none": 2, "share": 2, "single": 2})
    # Mostly confirmed with the whole listing, sometimes apart from it.
    if draw.chance(0.85):
        offer.price_confirmed_on = offer.clinic.confirmed_on
    else:
        age = draw.weighted(AGES)
        offer.price_confirmed_on = age and today - timedelta(days=draw.randint(*age))


def _some_areas(draw, areas: list[int]) -> list[int]:
    if not areas or draw.chance(0.1):
        return []
    return draw.sample(areas, draw.randint(1, len(areas)))


def _round_price(amount: float) -> Decimal:
    """The nearest amount that looks like a price: 95, 120, 2500."""
    magnitude = 10 ** math.floor(math.log10(amount))
    step = magnitude / 10 if amount < 3 * magnitude else magnitude / 2
    return Decimal(round(amount / step) * step).quantize(Decimal("0.01"))
