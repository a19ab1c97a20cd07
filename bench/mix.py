"""What visitors ask for: seeded mixes of requests over the generated directory."""

from dataclasses import dataclass, replace
from decimal import Decimal
from urllib.parse import urlencode

import numpy as np

from clinics.listing_facts import FRESH_SIX_MONTHS, PRODUCT_NAMED, PRODUCT_NOT_SAID
from clinics.models import Check, Clinic, Offer, Practitioner
from clinics.selection import Point, Selection

from .vocabulary import COUNTRIES, LANGUAGES, SEED, Vocabulary, zipf

REQUESTS = 200
# How many facets are in force, from none, and how often.
FACETS_IN_FORCE = (0.10, 0.25, 0.25, 0.20, 0.12, 0.08)
# Those who type words or look around a point choose fewer.
FACETS_BESIDE = (0.4, 0.35, 0.25)
# How often each is used relative to the others.
USE = {
    "treatment": 25,
    "country": 20,
    "city": 10,
    "price_max": 10,
    "area": 6,
    "concern": 6,
    "language": 6,
    "check": 5,
    "profession": 5,
    "facility": 4,
    "fresh": 4,
    "product": 3,
    "anaesthesia": 2,
}
# One to three values of a facet, and how often.
VALUES = (0.6, 0.25, 0.15)
PRICES = (80, 100, 120, 150, 200, 250, 300, 400)
SORTS = {"match": 0.6, "price": 0.2, "name": 0.1, "confirmed": 0.1}
RADII = (10, 25, 50, 100)
DEEPEST_PAGE = 60


def options(terms: Vocabulary) -> dict[str, list[str]]:
    """The options of each facet but the towns, in the order of the generated positions."""
    return {
        "treatment": terms.treatment_slugs,
        "country": terms.country_slugs,
        "area": terms.area_slugs,
        "concern": terms.concern_slugs,
        "language": [f"language-{code}" for code in LANGUAGES],
        "check": Check.Kind.values,
        "profession": Practitioner.Profession.values,
        "facility": Clinic.FacilityType.values,
        "fresh": [FRESH_SIX_MONTHS],
        "product": [PRODUCT_NAMED, PRODUCT_NOT_SAID],
        "anaesthesia": Offer.Anaesthesia.values,
    }


@dataclass(frozen=True)
class Request:
    """One visit: what is asked for, which page of it, and what kind of request it is."""

    selection: Selection
    page: int = 1
    kind: str = ""

    @property
    def query_string(self) -> str:
        """The request as the address of the directory has it."""
        asked = self.selection
        pairs = [("q", asked.words)] if asked.words else []
        pairs += [(name, value) for name, values in asked.chosen.items() for value in values]
        pairs += [
            (name, str(getattr(asked, name)))
            for name in ("price_min", "price_max", "radius_km")
            if getattr(asked, name) is not None
        ]
        if asked.near:
            pairs.append(("near", f"{asked.near.latitude},{asked.near.longitude}"))
        pairs += [("currency", asked.currency), ("sort", asked.sort), ("page", str(self.page))]
        renamed = {"radius_km": "radius"}
        return urlencode([(renamed.get(name, name), value) for name, value in pairs])


class Visitors:
    """Draws requests; the same ones for the same seed, whatever the size of the directory."""

    def __init__(self, terms: Vocabulary, seed: int):
        self.terms = terms
        self.chance = np.random.default_rng([SEED, seed])
        self.options = options(terms)

    def some(self, options: list[str]) -> tuple[str, ...]:
        """One to three options, the first ones more often."""
        wanted = min(self.chance.choice([1, 2, 3], p=VALUES), len(options))
        drawn = self.chance.choice(len(options), wanted, replace=False, p=zipf(len(options)))
        return tuple(options[position] for position in drawn)

    def selection(self, in_force=FACETS_IN_FORCE) -> Selection:
        """Up to five facets, one to three values each; towns lie in a chosen country."""
        use = np.array(list(USE.values())) / sum(USE.values())
        count = self.chance.choice(len(in_force), p=in_force)
        names = [str(n) for n in self.chance.choice(list(USE), count, replace=False, p=use)]
        chosen = {name: self.some(self.options[name]) for name in names if name in self.options}
        price_max = None
        if "price_max" in names:
            price_max = Decimal(int(self.chance.choice(PRICES)))
            if self.chance.random() < 0.8:
                chosen.setdefault("treatment", self.some(self.terms.treatment_slugs))
        if "city" in names:
            country = int(self.chance.choice(COUNTRIES, p=zipf(COUNTRIES)))
            chosen["country"] = (self.terms.country_slugs[country],)
            inside = np.flatnonzero(self.terms.place_country == country)
            chosen["city"] = self.some([self.terms.place_slugs[place] for place in inside])
        return Selection(
            chosen=chosen,
            price_max=price_max,
            currency=str(self.chance.choice(["EUR", "USD", "GBP"], p=[0.8, 0.1, 0.1])),
            sort=str(self.chance.choice(list(SORTS), p=list(SORTS.values()))),
        )

    def page(self) -> int:
        """Nearly always the first."""
        deep = self.chance.integers(2, DEEPEST_PAGE)
        return 1 if self.chance.random() < 0.9 else int(deep)

    def words(self) -> str:
        """One or two words of names, towns and treatments, some of them only begun."""
        terms = self.terms
        kinds = (terms.words, terms.place_names, terms.treatment_names, terms.last_names)
        words = []
        count = 1 if self.chance.random() < 0.7 else 2
        for kind in self.chance.choice(len(kinds), count, p=(0.3, 0.2, 0.35, 0.15)):
            options = kinds[kind]
            word = options[self.chance.choice(len(options), p=zipf(len(options)))]
            begun = self.chance.integers(2, 5)
            words.append(word if self.chance.random() < 0.7 else word[:begun])
        return " ".join(words)

    def nearby(self) -> tuple[Point, int]:
        """A point in or around a town, and a radius in kilometres."""
        place = self.chance.choice(len(self.terms.place_share), p=self.terms.place_share)
        latitude, longitude = self.terms.place_point[place] + self.chance.normal(0, 0.05, 2)
        point = Point(round(float(latitude), 5), round(float(longitude), 5))
        return point, int(self.chance.choice(RADII))


def mixed(terms: Vocabulary, count: int = REQUESTS) -> list[Request]:
    """Facets, prices, orders and pages as people use them; no words, no distance."""
    visitors = Visitors(terms, 1)
    return [Request(visitors.selection(), visitors.page()) for _ in range(count)]


def with_words(terms: Vocabulary, count: int = REQUESTS) -> list[Request]:
    """One or two words in each request, and up to two facets."""
    visitors = Visitors(terms, 2)
    return [
        Request(replace(visitors.selection(FACETS_BESIDE), words=visitors.words()), visitors.page())
        for _ in range(count)
    ]


def with_distance(terms: Vocabulary, count: int = REQUESTS) -> list[Request]:
    """Around a point, and up to two facets, among them no town or country."""
    visitors = Visitors(terms, 3)
    requests = []
    for _ in range(count):
        selection = visitors.selection(FACETS_BESIDE)
        chosen = {n: v for n, v in selection.chosen.items() if n not in ("country", "city")}
        point, radius = visitors.nearby()
        nearest_first = "distance" if visitors.chance.random() < 0.7 else selection.sort
        selection = replace(
            selection, chosen=chosen, near=point, radius_km=radius, sort=nearest_first
        )
        requests.append(Request(selection, visitors.page()))
    return requests


def hardest(terms: Vocabulary) -> list[Request]:
    """Requests made to be slow, each of a kind that is named."""
    common = tuple(terms.treatment_slugs[:3])
    wide = {"treatment": common, "area": tuple(terms.area_slugs), "product": (PRODUCT_NOT_SAID,)}
    visitors = Visitors(terms, 4)
    place = visitors.nearby()[0]
    kinds = {
        "nothing chosen, last page, by price": (Selection(sort="price"), 10**6),
        "a price for any treatment, by price": (
            Selection(price_min=Decimal(40), price_max=Decimal(400), sort="price"),
            1,
        ),
        "three common treatments up to a price": (
            Selection(chosen={"treatment": common}, price_max=Decimal(200), sort="price"),
            1,
        ),
        "five facets on the same offer, nearly all clinics": (Selection(chosen=wide), 1),
        "one country, dearest first page of a rare treatment": (
            Selection(
                chosen={
                    "country": (terms.country_slugs[0],),
                    "treatment": (terms.treatment_slugs[-1],),
                },
                sort="price",
            ),
            1,
        ),
        "a word that is only begun, with one letter": (Selection(words="d"), 1),
        "the farthest clinics from a point": (Selection(near=place, sort="distance"), 10**6),
    }
    return [Request(selection, page, kind) for kind, (selection, page) in kinds.items()]
