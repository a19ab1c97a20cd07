"""A second, slow definition of a match, in plain Python, that shares no code with the first.

It loads everything into memory and asks each clinic each question in turn. The tests
hold `clinics.search` against it.
"""

import datetime
import random
from decimal import Decimal

from clinics.models import Check, Clinic, Offer, Practitioner
from clinics.search import FACETS, Selection
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

TODAY = datetime.date(2026, 11, 22)


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
        for treatment in chance.sample(treatments, chance.randint(0, 3)):
            low = chance.choice([None, chance.randint(20, 300)])
            OfferFactory(
                clinic=clinic,
                treatment=treatment,
                price_low=low,
                price_high=None if low is None else low + chance.choice([0, 50]),
                currency=chance.choice(currencies),
                unit=chance.choices(Offer.Unit.values, [4, 1, 1])[0],
                anaesthesia=chance.choice(Offer.Anaesthesia.values),
                product=chance.choice(["", "Sample HA 18"]),
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
        chosen = {**selection.chosen, facet: (value,)}
        alone = Selection(
            words=selection.words,
            chosen=chosen,
            price_min=selection.price_min,
            price_max=selection.price_max,
            currency=selection.currency,
        )
        return len(self.matching(alone))

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
    for facet in FACETS:
        wanted = set(selection.chosen.get(facet, ()))
        if facet not in OFFER_FACETS and wanted and not wanted & _clinic_values(clinic, facet):
            return False
    if not all(_finds(clinic, word) for word in selection.words.split()):
        return False
    asks_of_offers = selection.has_price or any(selection.chosen.get(f) for f in OFFER_FACETS)
    return not asks_of_offers or any(
        _offer_matches(offer, selection)
        for offer in clinic.offers.all()
        if offer.treatment.is_published
    )


def _offer_matches(offer, selection: Selection) -> bool:
    for facet in OFFER_FACETS:
        wanted = set(selection.chosen.get(facet, ()))
        if wanted and not wanted & _offer_values(offer, facet):
            return False
    if not selection.has_price:
        return True
    if offer.unit != "session" or offer.price_low is None or offer.currency.per_euro is None:
        return False
    rate = {"EUR": Decimal(1), "GBP": Decimal("0.85")}[selection.currency]
    low = offer.price_low / offer.currency.per_euro
    high = offer.price_high / offer.currency.per_euro
    if selection.price_min is not None and high < selection.price_min / rate:
        return False
    return selection.price_max is None or low <= selection.price_max / rate


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
