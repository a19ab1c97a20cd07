"""A second, slow definition of a match, in plain Python, that shares no code with the first.

It loads everything into memory and asks each clinic each question in turn. The tests
hold `clinics.search` against it.
"""

import datetime
import math
import random
from collections import Counter
from dataclasses import replace
from decimal import Decimal

from clinics.listing_facts import clinic_facets, offer_facets
from clinics.models import Check, Clinic, Offer, Practitioner
from clinics.selection import Selection
from tests.factories import (
    AliasFactory,
    BodyAreaFactory,
    CheckFactory,
    ClinicFactory,
    ConcernFactory,
    CountryFactory,
    CurrencyFactory,
    LanguageFactory,
    OfferFactory,
    PlaceFactory,
    PractitionerFactory,
    TreatmentFactory,
)
from treatments.history import one_change

TODAY = datetime.date(2026, 11, 22)


# One change, so that the history of all of it is written at once.
@one_change()
def build_world(seed: int, clinics: int = 40) -> None:
    """Random clinics with offers, people and checks; hidden ones and gaps among them."""
    chance = random.Random(seed)
    areas = [BodyAreaFactory(slug=f"area-{i}", name=f"Area {i}") for i in range(3)]
    concerns = [ConcernFactory(slug=f"concern-{i}", name=f"Concern {i}") for i in range(3)]
    treatments = [
        TreatmentFactory(
            slug=f"treatment-{i}",
            short_name=["Cellulite", "Chin fat", "Hair loss", "Hidden"][i],
            is_published=i != 3,
            concerns=chance.sample(concerns, chance.randint(1, 2)),
        )
        for i in range(4)
    ]
    AliasFactory(treatment=treatments[0], name="Orange peel")
    currencies = [
        CurrencyFactory(code="EUR"),
        CurrencyFactory(code="GBP", per_euro=Decimal("0.85")),
        CurrencyFactory(code="COP", per_euro=None, rate_date=None),
    ]
    countries = [
        CountryFactory(code=code, slug=name.lower(), name=name)
        for code, name in (("FR", "France"), ("PL", "Poland"))
    ]
    places = [
        PlaceFactory(slug=f"town-{i}", name=name, country=countries[i % 2])
        for i, name in enumerate(("Lyon", "Łódź", "Évian", "Gdańsk"))
    ]
    languages = [LanguageFactory(code=code, slug=f"language-{code}") for code in ("fr", "pl", "en")]
    for number in range(clinics):
        clinic = ClinicFactory(
            slug=f"clinic-{number}",
            name=chance.choice(["Acıbadem", "Rive Blanche", "Étoile", "Clinic"]) + f" {number}",
            place=chance.choice(places),
            facility_type=chance.choice(Clinic.FacilityType.values),
            status=chance.choices(Clinic.Status.values, [1, 1, 8, 1])[0],
            languages=chance.sample(languages, chance.randint(0, 3)),
            shuffle_key=chance.randrange(1, 2**31),
            confirmed_on=chance.choice([None, TODAY - datetime.timedelta(chance.randint(0, 400))]),
            **chance.choice([{}, {"latitude": 48 + number / 50, "longitude": 2 - number / 40}]),
        )
        for person in range(chance.randint(0, 2)):
            PractitionerFactory(
                clinic=clinic,
                name=f"{chance.choice(['Zoë', 'Jan'])} {number}-{person}",
                profession=chance.choice(Practitioner.Profession.values[:3]),
            )
        for _check in range(chance.randint(0, 3)):
            made = TODAY - datetime.timedelta(chance.randint(0, 700))
            CheckFactory(
                clinic=clinic,
                kind=chance.choice(Check.Kind.values),
                result=chance.choice(Check.Result.values),
                checked_on=made,
                expires_on=chance.choice([None, made + datetime.timedelta(365)]),
            )
        for place, treatment in enumerate(chance.choices(treatments, k=chance.randint(0, 4))):
            low = chance.choice([None, chance.randint(20, 300)])
            OfferFactory(
                clinic=clinic,
                treatment=treatment,
                label=f"Offer {place}",
                price_low=low,
                price_high=None if low is None else low + chance.choice([0, 50]),
                currency=chance.choice(currencies),
                unit=chance.choices(Offer.Unit.values, [4, 1, 1])[0],
                anaesthesia=chance.choice(Offer.Anaesthesia.values),
                product=chance.choice(["", "Sample HA 18"]),
                sessions_low=(fewest := chance.choice([None, 1, 3, 6])),
                sessions_high=None if fewest is None else fewest + chance.choice([0, 2]),
                consultation_fee=chance.choice([None, 0, 40]),
                price_confirmed_on=chance.choice(
                    [None, TODAY - datetime.timedelta(chance.randint(100, 300)), TODAY]
                ),
                body_areas=chance.sample(areas, chance.randint(0, 2)),
            )


class World:
    """Everything in the database, read once."""

    def __init__(self):
        self.clinics = list(
            Clinic.objects.select_related("place__country").prefetch_related(
                "languages",
                "practitioners",
                "checks",
                "offers__treatment__concerns",
                "offers__treatment__aliases",
                "offers__body_areas",
                "offers__currency",
            )
        )

    def matching(self, selection: Selection) -> list[Clinic]:
        """Published clinics that match, in no order."""
        return [c for c in self.clinics if c.status == "published" and _matches(c, selection)]

    def count(self, selection: Selection, facet: str, value: str) -> int:
        """How many match when `value` is the only choice of `facet`."""
        if facet == "treatment" and selection.all_treatments and _several(selection):
            chosen = {**selection.chosen, facet: (*selection.chosen[facet], value)}
        else:
            chosen = {**selection.chosen, facet: (value,)}
        return len(self.matching(replace(selection, chosen=chosen)))

    def prices(self, selection: Selection) -> dict[int, int]:
        """How many clinics have which lowest price of a session, whatever price was asked for."""
        asked = replace(selection, price_min=None, price_max=None)
        rate = {"EUR": 1.0, "GBP": 0.85}[selection.currency]
        lowest = []
        for clinic in self.matching(asked):
            offers = [offer for offer in clinic.offers.all() if offer.treatment.is_published]
            if _asks_of_offers(asked):
                offers = [offer for offer in offers if _offer_matches(offer, asked)]
            euro = [
                round(float(offer.price_low) / float(offer.currency.per_euro), 6)
                for offer in offers
                if offer.unit == "session" and offer.price_low is not None
                if offer.currency.per_euro
            ]
            if euro:
                lowest.append(round(min(euro) * rate))
        return dict(sorted(Counter(lowest).items()))

    def values(self, facet: str) -> set[str]:
        """Every value that any clinic, hidden or not, has for a facet, and one it has not."""
        found = {"no-such-value"}
        for clinic in self.clinics:
            found |= _clinic_values(clinic, facet)
            for offer in clinic.offers.all():
                found |= _offer_values(offer, facet)
        return found


def _clinic_values(clinic, facet) -> set[str]:
    return {
        "country": lambda: {clinic.place.country.slug},
        "city": lambda: {clinic.place.slug},
        "facility": lambda: {clinic.facility_type},
        "language": lambda: {language.slug for language in clinic.languages.all()},
        "profession": lambda: {person.profession for person in clinic.practitioners.all()},
        "check": lambda: {
            check.kind
            for check in clinic.checks.all()
            if check.result == "confirmed"
            and (check.expires_on is None or check.expires_on >= TODAY)
        },
    }.get(facet, set)()


def _offer_values(offer, facet) -> set[str]:
    confirmed = offer.price_confirmed_on
    is_fresh = (
        offer.price_low is not None and confirmed is not None and (TODAY - confirmed).days <= 180
    )
    return {
        "treatment": lambda: {offer.treatment.slug},
        "area": lambda: {area.slug for area in offer.body_areas.all()},
        "concern": lambda: {concern.slug for concern in offer.treatment.concerns.all()},
        "anaesthesia": lambda: {offer.anaesthesia},
        "product": lambda: {"named" if offer.product else "not-said"},
        "fresh": lambda: {"6-months"} if is_fresh else set(),
    }.get(facet, set)()


OFFER_FACETS = ("treatment", "area", "concern", "anaesthesia", "product", "fresh")


def _matches(clinic, selection: Selection) -> bool:
    for facet in (*clinic_facets(), *offer_facets()):
        wanted = set(selection.chosen.get(facet, ()))
        if facet not in OFFER_FACETS and wanted and not wanted & _clinic_values(clinic, facet):
            return False
    if not all(_finds(clinic, word) for word in selection.words.split()):
        return False
    if selection.near and selection.radius_km is not None and not _is_near(clinic, selection):
        return False
    if not _asks_of_offers(selection):
        return True
    offers = [offer for offer in clinic.offers.all() if offer.treatment.is_published]
    if selection.all_treatments and _several(selection):
        return all(
            any(
                _offer_matches(
                    offer,
                    replace(selection, chosen={**selection.chosen, "treatment": (treatment,)}),
                )
                for offer in offers
            )
            for treatment in selection.chosen["treatment"]
        )
    return any(_offer_matches(offer, selection) for offer in offers)


def _asks_of_offers(selection: Selection) -> bool:
    return any(value is not None for value in _ends(selection)) or any(
        selection.chosen.get(facet) for facet in OFFER_FACETS
    )


def _several(selection: Selection) -> bool:
    return len(selection.chosen.get("treatment", ())) > 1


def _ends(selection: Selection):
    return (
        *(selection.price_min, selection.price_max, selection.course_min, selection.course_max),
        *(selection.sessions_min, selection.sessions_max),
    )


def _is_near(clinic, selection: Selection) -> bool:
    return kilometres_to(clinic, selection.near) <= selection.radius_km


def kilometres_to(clinic, point) -> float:
    """Along the great circle; a clinic without a position stands where its town does."""
    here = clinic if clinic.latitude is not None else clinic.place
    north, east = math.radians(here.latitude), math.radians(here.longitude)
    cosine = math.sin(north) * math.sin(math.radians(point.latitude)) + math.cos(north) * math.cos(
        math.radians(point.latitude)
    ) * math.cos(east - math.radians(point.longitude))
    return 6371.0088 * math.acos(min(1, max(-1, cosine)))


def _offer_matches(offer, selection: Selection) -> bool:
    for facet in OFFER_FACETS:
        wanted = set(selection.chosen.get(facet, ()))
        if wanted and not wanted & _offer_values(offer, facet):
            return False
    fewest, most = offer.sessions_low, offer.sessions_high
    if not _overlaps(fewest, most, selection.sessions_min, selection.sessions_max):
        return False
    price = course = (None, None)
    if offer.unit == "session" and offer.price_low is not None and offer.currency.per_euro:
        price = offer.price_low, offer.price_high
        if fewest is not None:
            fee = offer.consultation_fee or 0
            course = offer.price_low * fewest + fee, offer.price_high * most + fee
    if offer.currency is None:
        return _overlaps(None, None, *_ends(selection)[:2]) and _overlaps(
            None, None, *_ends(selection)[2:4]
        )
    return all(
        _overlaps(low, high, *(_in(offer.currency, end, selection.currency) for end in ends))
        for (low, high), ends in ((price, _ends(selection)[:2]), (course, _ends(selection)[2:4]))
    )


def _overlaps(low, high, least, most) -> bool:
    if least is None and most is None:
        return True
    if low is None:
        return False
    return (least is None or high >= least) and (most is None or low <= most)


def _in(currency, amount, code: str):
    """An amount of the visitor's currency in another."""
    if amount is None or currency.per_euro is None:
        return amount
    rate = {"EUR": Decimal(1), "GBP": Decimal("0.85")}[code]
    return round(amount / rate * currency.per_euro, 9)


# What the words of build_world() look like without accents, written by hand.
_PLAIN = str.maketrans({"ı": "i", "Ł": "l", "ó": "o", "ź": "z", "É": "e", "ń": "n", "ë": "e"})


def _finds(clinic, word: str) -> bool:
    texts = [clinic.name, clinic.place.name, clinic.place.country.name]
    texts += [person.name for person in clinic.practitioners.all()]
    for offer in clinic.offers.all():
        if offer.treatment.is_published:
            texts += [offer.treatment.name, offer.treatment.short_name]
            texts += [alias.name for alias in offer.treatment.aliases.all()]
    words = " ".join(texts).translate(_PLAIN).lower().replace("-", " ").split()
    return any(candidate.startswith(word.translate(_PLAIN).lower()) for candidate in words)
