"""Right answers, worked out from the generated arrays clinic by clinic and offer by offer.

Shares no code with the search: what it finds is what the answers of the index are held
against.
"""

from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from hashlib import sha256

import numpy as np

from clinics.models import Offer
from clinics.selection import Answer, Point, Selection
from treatments.text_folding import fold

from .mix import Request, options
from .vocabulary import RATES
from .world import CHECK_KINDS, NEVER, PROFESSIONS, UNITS, World, area_columns

FRESH_DAYS, STALE_DAYS = 180, 240
PER_PAGE = 24
BUSIEST_TOWNS = 10
MILLIONTHS = 10**6
SHUFFLE_PRIME = 2_147_483_659
EARTH_KM = 6371.0088
LAST = np.iinfo(np.int64).max


@dataclass(frozen=True)
class RightAnswer:
    """Total, every count that is not nought, and the ids of the page."""

    total: int
    counts: dict[str, dict[str, int]]
    ids: tuple[int, ...]


def marked(rows: np.ndarray, columns: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """A table of booleans, set where a row meets a column."""
    table = np.zeros(shape, dtype=bool)
    table[rows, columns] = True
    return table


def has_price(asked: Selection) -> bool:
    return asked.price_min is not None or asked.price_max is not None


def each_left_out(always: np.ndarray, met: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """All conditions together under "", and under each facet's name all but that facet's."""
    masks = {}
    for left_out in ("", *met):
        mask = always.copy()
        for name, condition in met.items():
            if name != left_out:
                mask &= condition
        masks[left_out] = mask
    return masks


class BruteForce:
    """Answers requests about one world. Holds some 100 bytes an offer."""

    def __init__(self, world: World):
        self.world = world
        terms, offers, checks = world.vocabulary, world.offers, world.checks
        self.options = {**options(terms), "city": terms.place_slugs}
        self.positions = {
            name: {value: position for position, value in enumerate(values)}
            for name, values in self.options.items()
        }
        is_valid = checks.is_confirmed & ((checks.life == 0) | (checks.made <= checks.life))
        valid = marked(
            checks.clinic[is_valid], checks.kind[is_valid], (world.size, len(CHECK_KINDS))
        )
        people = world.people
        # A column of positions where a clinic or offer has one option, else a table of booleans.
        self.clinic_facets = {
            "country": terms.place_country[world.place],
            "city": world.place,
            "facility": world.facility,
            "language": world.languages,
            "profession": marked(people.clinic, people.profession, (world.size, len(PROFESSIONS))),
            "check": valid,
        }
        has_price = offers.price_low >= 0
        self.is_fresh = has_price & self.confirmed_within(FRESH_DAYS)
        self.offer_facets = {
            "treatment": offers.treatment,
            "area": area_columns(offers.areas),
            "concern": terms.treatment_concerns[offers.treatment],
            "anaesthesia": offers.anaesthesia,
            "product": np.where(offers.has_product, 0, 1),
            "fresh": self.is_fresh[:, None],
        }
        self.rates = np.array([int(Decimal(rate) * MILLIONTHS) for rate in RATES.values()])
        self.is_comparable = has_price & (offers.unit == UNITS.index(Offer.Unit.SESSION))
        self.is_public = world.is_published[offers.clinic]
        self.has_check = valid.any(axis=1)
        self.folded = {
            name: [fold(text) for text in texts]
            for name, texts in {
                "words": [*terms.words, ""],
                "places": terms.place_names,
                "countries": terms.country_names,
                "first_names": terms.first_names,
                "last_names": terms.last_names,
                "treatments": [f"Mesotherapy {name}" for name in terms.treatment_names],
            }.items()
        }

    def confirmed_within(self, days: int) -> np.ndarray:
        age = self.world.offers.confirmed
        return (age != NEVER) & (age <= days)

    @cached_property
    def name_rank(self) -> np.ndarray:
        """The place of each clinic by its name in search spelling, then by its key."""
        names = [
            " ".join([self.folded["words"][part] for part in parts if part >= 0])
            for parts in self.world.words.tolist()
        ]
        rank = np.empty(self.world.size, dtype=np.int64)
        rank[sorted(range(self.world.size), key=lambda n: (names[n], n))] = np.arange(
            self.world.size
        )
        return rank

    def has_any(self, name: str, facet: np.ndarray, values: tuple[str, ...]) -> np.ndarray:
        """Which rows of a facet have one of these options."""
        wanted = [self.positions[name][v] for v in values if v in self.positions[name]]
        if facet.ndim == 1:
            return np.isin(facet, wanted)
        return facet[:, wanted].any(axis=1)

    def clinics_matching(self, asked: Selection) -> dict[str, np.ndarray]:
        """Which clinics meet the conditions on the clinic: all of them under "", and for each
        facet all but its own."""
        always = self.world.is_published.copy()
        for word in fold(asked.words).split():
            always &= self.has_word(word)
        if asked.near and asked.radius_km is not None:
            always &= self.kilometres(asked.near) <= asked.radius_km
        return each_left_out(always, self.met(asked, self.clinic_facets))

    def offers_matching(self, asked: Selection) -> dict[str, np.ndarray]:
        """The same for public offers and the conditions on an offer."""
        always = self.is_public.copy()
        offers = self.world.offers
        if has_price(asked):
            always &= self.is_comparable
        # Two fractions are compared by whole numbers: price / rate with limit / its rate.
        rate = self.rates[offers.currency]
        own_rate = self.rates[list(RATES).index(asked.currency)]
        if asked.price_min is not None:
            always &= offers.price_high * own_rate >= int(asked.price_min * 100) * rate
        if asked.price_max is not None:
            always &= offers.price_low * own_rate <= int(asked.price_max * 100) * rate
        return each_left_out(always, self.met(asked, self.offer_facets))

    def met(self, asked: Selection, facets: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """For each facet in force, which rows have one of the chosen options."""
        return {
            name: self.has_any(name, facet, asked.chosen[name])
            for name, facet in facets.items()
            if asked.chosen.get(name)
        }

    def has_word(self, word: str) -> np.ndarray:
        """Which clinics have a word that starts so: in their name, people, place, treatments."""
        world, people = self.world, self.world.people
        begins = {
            name: np.array([f" {text}".find(f" {word}") >= 0 for text in texts])
            for name, texts in self.folded.items()
        }
        # The last of the words stands for "no word", at position -1.
        mask = begins["words"][world.words].any(axis=1)
        mask |= begins["places"][world.place]
        mask |= begins["countries"][self.clinic_facets["country"]]
        named = begins["first_names"][people.first_name] | begins["last_names"][people.last_name]
        mask[people.clinic[named]] = True
        mask[world.offers.clinic[begins["treatments"][world.offers.treatment]]] = True
        return mask

    def answer(self, request: Request) -> RightAnswer:
        """The right answer; a second for a million clinics."""
        asked = request.selection
        clinics, offers = self.clinics_matching(asked), self.offers_matching(asked)
        asks_of_offers = has_price(asked) or any(asked.chosen.get(n) for n in self.offer_facets)
        with_offer = self.with_offer(offers[""]) if asks_of_offers else True
        found = np.flatnonzero(clinics[""] & with_offer)
        counts = {
            name: self.counts_of_clinics(name, clinics.get(name, clinics[""]) & with_offer)
            for name in self.clinic_facets
        } | {
            name: self.counts_of_offers(name, offers.get(name, offers[""]), clinics[""])
            for name in self.offer_facets
        }
        page = max(1, min(request.page, -(-len(found) // PER_PAGE)))
        ordered = self.ordered(asked, found, offers[""])
        ids = ordered[(page - 1) * PER_PAGE : page * PER_PAGE] + 1
        return RightAnswer(len(found), counts, tuple(ids.tolist()))

    def held_by_clinics(self, name: str) -> np.ndarray:
        """A facet of clinics or offers as a table: a row of booleans a clinic."""
        size, width = self.world.size, len(self.options[name])
        if name in self.clinic_facets:
            facet = self.clinic_facets[name]
            return marked(np.arange(size), facet, (size, width)) if facet.ndim == 1 else facet
        facet, clinic = self.offer_facets[name], self.world.offers.clinic
        if facet.ndim == 1:
            return marked(clinic, facet, (size, width))
        offers, columns = np.nonzero(facet)
        return marked(clinic[offers], columns, (size, width))

    def with_offer(self, offers: np.ndarray) -> np.ndarray:
        mask = np.zeros(self.world.size, dtype=bool)
        mask[self.world.offers.clinic[offers]] = True
        return mask

    def counts_of_clinics(self, name: str, mask: np.ndarray) -> dict[str, int]:
        facet = self.clinic_facets[name]
        if facet.ndim == 1:
            counted = np.bincount(facet[mask], minlength=len(self.options[name]))
        else:
            counted = facet[mask].sum(axis=0)
        return self.named(name, counted)

    def counts_of_offers(self, name: str, mask: np.ndarray, clinics: np.ndarray) -> dict[str, int]:
        rows = np.flatnonzero(mask & clinics[self.world.offers.clinic])
        facet = self.offer_facets[name][rows]
        clinic = self.world.offers.clinic[rows]
        counted = []
        for position in range(len(self.options[name])):
            having = clinic[facet == position if facet.ndim == 1 else facet[:, position]]
            # Offers of a clinic stand together, so a clinic is counted where it changes.
            counted.append(int(np.count_nonzero(np.diff(having))) + (len(having) > 0))
        return self.named(name, counted)

    def named(self, name: str, counted) -> dict[str, int]:
        pairs = zip(self.options[name], counted, strict=True)
        return {value: int(count) for value, count in pairs if count}

    def ordered(self, asked: Selection, found: np.ndarray, offers: np.ndarray) -> np.ndarray:
        """The found clinics in the order that the page "how we rank" describes."""
        if asked.sort == "name":
            return found[np.argsort(self.name_rank[found])]
        firsts = {
            "match": self.without_merit,
            "price": self.lowest_prices,
            "confirmed": self.ages,
            "distance": self.distances,
        }[asked.sort](asked, found, offers)
        drawn = int.from_bytes(sha256(self.world.today.isoformat().encode()).digest()[:4]) // 2 + 1
        shuffled = self.world.shuffle_key[found] * drawn % SHUFFLE_PRIME
        return found[np.lexsort([found, shuffled, *reversed(firsts)])]

    def without_merit(self, asked, found: np.ndarray, offers: np.ndarray) -> list[np.ndarray]:
        """Clinics without a fresh price come later, then those without a check."""
        has_fresh = self.with_offer(offers & self.is_fresh)[found]
        return [~has_fresh, ~self.has_check[found]]

    def lowest_prices(self, asked, found: np.ndarray, offers: np.ndarray) -> list[np.ndarray]:
        """By the lowest price of one session that is not out of date, in billionths of a euro."""
        lowest = np.full(self.world.size, LAST)
        rows = np.flatnonzero(offers & self.is_comparable & self.confirmed_within(STALE_DAYS))
        held = self.world.offers
        euro = held.price_low[rows] * 10**9 // self.rates[held.currency[rows]]
        np.minimum.at(lowest, held.clinic[rows], euro)
        return [lowest[found]]

    def ages(self, asked, found: np.ndarray, offers) -> list[np.ndarray]:
        age = self.world.confirmed[found].astype(np.int64)
        return [np.where(age == NEVER, LAST, age)]

    def distances(self, asked: Selection, found: np.ndarray, offers) -> list[np.ndarray]:
        return [self.kilometres(asked.near)[found]]

    def kilometres(self, point: Point) -> np.ndarray:
        """How far each clinic is, by the haversine; its town stands in where it has no point."""
        world = self.world
        unplaced = np.isnan(world.point[:, :1])
        points = np.where(unplaced, world.vocabulary.place_point[world.place], world.point)
        north, east = np.radians(points).T
        own_north, own_east = np.radians(point.latitude), np.radians(point.longitude)
        chord = np.sin((north - own_north) / 2) ** 2
        chord += np.cos(north) * np.cos(own_north) * np.sin((east - own_east) / 2) ** 2
        return 2 * EARTH_KM * np.arcsin(np.sqrt(np.minimum(chord, 1)))

    def mismatches(self, request: Request, answer: Answer) -> list[str]:
        """What of an answer is not right: "total", "ids" or the name of a facet."""
        right = self.answer(request)
        counts = {
            name: {value: count for value, count in found.items() if count}
            for name, found in answer.counts.items()
        }
        wrong = [
            name for name in right.counts if name != "city" and counts[name] != right.counts[name]
        ]
        if not self.are_towns_right(request.selection, counts["city"], right.counts["city"]):
            wrong.append("city")
        wrong += ["total"] if answer.total != right.total else []
        return wrong + (["ids"] if answer.ids != right.ids else [])

    def are_towns_right(self, asked: Selection, counted: dict, right: dict) -> bool:
        """Of towns only those of the chosen countries need be counted, or else the busiest."""
        if any(right.get(town, 0) != count for town, count in counted.items()):
            return False
        if countries := asked.chosen.get("country"):
            inside = {
                self.options["city"][place]
                for country in countries
                for place in np.flatnonzero(
                    self.world.vocabulary.place_country == self.positions["country"][country]
                )
            }
            return all(town in counted for town in right if town in inside)
        first = sorted(right.values(), reverse=True)[:BUSIEST_TOWNS]
        return sorted(counted.values(), reverse=True)[: len(first)] == first
