"""The in-memory index of the directory: which clinics match, how many, and in what order.

Published clinics have numbers, in order of country and town, so that those of one place
stand together. Each option of each facet is a bitmap of the numbers that have it; what
must hold for one and the same offer stands in `offer_columns`. Nothing here reads the
database: facts come in, answers go out, and the index of one moment is always the same as
one built from scratch from the facts of that moment.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator
from datetime import date
from itertools import chain, count

import numpy as np
from pyroaring import BitMap

from treatments.text_folding import fold, fold_each

from .bitmaps import bitmap_of, grouped, numbers_of, places_of, union
from .distance import kilometres, may_be_within
from .listing_facts import (
    CLINIC_FACETS,
    DEGREE,
    NO_POSITION,
    UNSTATED,
    Facts,
    clinic_facets,
)
from .numbering import Filling, first_numbers, may_be_clinic, numbers_after
from .offer_columns import NOTHING, Column, OfferTable
from .option_counts import OptionCounts
from .place_counts import PlaceTable
from .ranking import drawn_on, shuffled_place
from .result_order import NameOrder, ResultOrder
from .selection import Point
from .vocabulary import Vocabulary
from .word_index import WordIndex

# Unions over columns kept, of one option or two at once, so that counting them stays cheap.
_UNIONS_KEPT = 300
_LISTS_KEPT = 500
# Above so many changed clinics orders and unions are made anew.
_MOST_PLACED_ONE_BY_ONE = 200
# A share of all clinics, one in so many, below which clinics are looked up one by one.
_FEWER = 32
# A share of the clinics of one column, one in so many, below which others are no matter.
_SECOND = 8

_serial = count(1)


class FacetIndex:
    """All published clinics on one day, ready to be narrowed.

    `day` is the day for which expiring facts count; `vocabulary` what their keys mean.
    Not safe for several threads at once.
    """

    def __init__(self, vocabulary: Vocabulary, day: date):
        self.vocabulary = vocabulary
        self.day = day
        self.members = BitMap()
        # Numbers that stand for no clinic, see `numbering`.
        self.filling = Filling.below(0)
        self.pks = np.empty(0, np.int64)
        self.places = np.empty(0, np.int32)
        self.confirmed = np.empty(0, np.int32)
        self.shuffle_keys = np.empty(0, np.uint32)
        self.latitudes = np.empty(0, np.int32)
        self.longitudes = np.empty(0, np.int32)
        # Clinics that stand on the map where their town does.
        self.at_their_town = BitMap()
        self.options: dict[str, dict[Hashable, BitMap]] = {}
        self.offers = OfferTable()
        self.offers.currencies = vocabulary.currencies
        self.words = WordIndex()
        self.by_name = ResultOrder(np.empty(0, np.uint32))
        self.serial = next(_serial)
        self.changes: dict[int, int] = {}
        self._forget_derived()

    def _forget_derived(self) -> None:
        """Drop everything that can be worked out again."""
        self._orders: dict[str, ResultOrder] = {}
        self._unions: dict[tuple, BitMap] = {}
        self._lowest: dict[bool, np.ndarray] = {}
        self._place_table: PlaceTable | None = None
        self._forget_results()

    def _forget_results(self) -> None:
        self._lists: dict[tuple, OptionCounts] = {}
        self._remembered: dict[str, object] = {}

    # --- Taking facts in

    @classmethod
    def build(cls, vocabulary: Vocabulary, facts: Facts, day: date) -> "FacetIndex":
        """The index of all published clinics."""
        index = cls(vocabulary, day)
        codes = {code: place for place, code in enumerate(sorted(vocabulary.countries))}
        country = {pk: codes[place.country_id] for pk, place in vocabulary.places.items()}
        pks, places = facts.clinics[:, 0], facts.clinics[:, 1]
        countries = np.array([country[place] for place in places.tolist()], np.int64)
        order = np.lexsort((pks, places, countries))
        index._make_room(int(first_numbers(len(order)).max(initial=0)) + 1)
        numbering = _Numbering(pks[order], first_numbers(len(order)))
        index._put(facts, facts.clinics[order], numbering)
        index.words.build(*numbering.names(facts))
        index.by_name = ResultOrder(index._sorted_by_name(facts.names))
        return index

    def _sorted_by_name(self, names: dict[int, str]) -> np.ndarray:
        numbers = numbers_of(self.members)
        pks = self.pks[numbers].tolist()
        folded = fold_each(names[pk] for pk in pks)
        keyed = sorted(zip(folded, pks, numbers.tolist(), strict=True))
        return np.array([number for _name, _pk, number in keyed], np.uint32)

    def update(
        self, facts: Facts, clinics: set[int], names_of: Callable[[list[int]], dict[int, str]]
    ) -> None:
        """Replace all that is known of these clinics (primary keys) by `facts`.

        `facts` hold those of them that are published now; the others leave the index.
        `names_of(primary keys)` gives names of clinics that did not change.
        """
        wanted = np.fromiter(clinics, np.int64, len(clinics))
        gone = places_of(wanted, self.pks).astype(np.uint32)
        number_of = {int(self.pks[number]): number for number in gone.tolist()}
        before = self._ordered_by(gone)
        self._take_out(gone)
        self.pks[gone] = UNSTATED
        numbers = self._numbers_for(facts.clinics[:, 0].tolist(), number_of)
        order = np.argsort(numbers)
        numbering = _Numbering(facts.clinics[order, 0], numbers[order])
        self._put(facts, facts.clinics[order], numbering)
        self.words.replace(
            bitmap_of(np.union1d(gone, numbers).astype(np.uint32)), *numbering.names(facts)
        )
        self._place_again(before, numbers[order], facts.names, names_of)
        for pk in clinics:
            self.changes[pk] = self.changes.get(pk, 0) + 1

    def _numbers_for(self, pks: list[int], number_of: dict[int, int]) -> np.ndarray:
        """Numbers for these clinics: the one held before, or else a free one."""
        new = sum(pk not in number_of for pk in pks)
        free: list[int] = []
        if new:
            kept = {number_of[pk] for pk in pks if pk in number_of}
            unused = np.flatnonzero((self.pks == UNSTATED) & may_be_clinic(len(self.pks)))
            free = [n for n in unused.tolist() if n not in kept][:new]
            free += numbers_after(len(self.pks) - 1, new - len(free))
            self._make_room(max(free) + 1)
        spare = iter(free)
        return np.array(
            [number_of[pk] if pk in number_of else next(spare) for pk in pks], np.uint32
        )

    def _make_room(self, size: int) -> None:
        missing = size - len(self.pks)
        if missing > 0:
            for name, filling in (
                ("pks", UNSTATED),
                ("places", UNSTATED),
                ("confirmed", UNSTATED),
                ("shuffle_keys", 0),
                ("latitudes", 0),
                ("longitudes", 0),
            ):
                held = getattr(self, name)
                more = np.full(missing, filling, held.dtype)
                setattr(self, name, np.concatenate([held, more]))
            self.filling = Filling.below(size)

    def _put(self, facts: Facts, rows: np.ndarray, numbering: "_Numbering") -> None:
        """Add clinics: `rows` of `facts.clinics` in the order of their rising numbers."""
        numbers = numbering.numbers
        self.pks[numbers] = rows[:, 0]
        self.places[numbers] = rows[:, 1]
        self.confirmed[numbers] = rows[:, 2]
        self.shuffle_keys[numbers] = rows[:, 3]
        if self._place_table is not None:
            self._place_table.take(numbers, rows[:, 1])
        self._locate(rows, numbers)
        added = bitmap_of(numbers)
        self.members |= added
        towns = grouped(rows[:, 1], numbers)
        self._add_options("city", towns.items())
        place_of = self.vocabulary.places
        self._add_options(
            "country", ((place_of[pk].country_id, clinics) for pk, clinics in towns.items())
        )
        for facet in CLINIC_FACETS:
            keys = facet.keys(self.vocabulary)
            pairs = facts.options[facet.name]
            found = grouped(pairs[:, 1], numbering.of(pairs[:, 0]))
            self._add_options(facet.name, ((keys[place], c) for place, c in found.items()))
        self.offers.add(facts, numbering.of(facts.offers[:, 1]), self.vocabulary.rates)
        self._forget_results()
        self._refresh_unions(added)
        for only_current in self._lowest:
            self._refresh_lowest(added, only_current)

    def _locate(self, rows: np.ndarray, numbers: np.ndarray) -> None:
        unplaced = (rows[:, 4] == NO_POSITION) | (rows[:, 5] == NO_POSITION)
        self.latitudes[numbers], self.longitudes[numbers] = rows[:, 4], rows[:, 5]
        self._put_at_their_town(numbers[unplaced])
        self.at_their_town |= bitmap_of(numbers[unplaced])

    def _put_at_their_town(self, numbers: np.ndarray) -> None:
        pks, which = np.unique(self.places[numbers], return_inverse=True)
        towns = [self.vocabulary.places[pk] for pk in pks.tolist()]
        north = [round(town.latitude * DEGREE) for town in towns]
        east = [round(town.longitude * DEGREE) for town in towns]
        self.latitudes[numbers] = np.array(north, np.int32)[which]
        self.longitudes[numbers] = np.array(east, np.int32)[which]

    def _add_options(self, facet: str, found: Iterable[tuple[Hashable, BitMap]]) -> None:
        options = self.options.setdefault(facet, {})
        for key, clinics in found:
            options.setdefault(key, BitMap()).update(clinics)

    def _take_out(self, numbers: np.ndarray) -> None:
        gone = bitmap_of(numbers)
        if not gone:
            return
        self.members -= gone
        self.at_their_town -= gone
        for facet, options in self.options.items():
            keys = set(self.places[numbers].tolist()) if facet == "city" else list(options)
            for key in keys:
                options[key] -= gone
        self.offers.forget(gone)
        for found in self._unions.values():
            found.difference_update(gone)

    def _ordered_by(self, numbers: np.ndarray) -> dict[int, tuple]:
        """What the orders but that by name go by, for each of these numbers."""
        by = [self.pks[numbers], self.confirmed[numbers], self.shuffle_keys[numbers]]
        if "price" in self._orders:
            by.append(self._lowest_in_euro(numbers))
        held = zip(*(values.tolist() for values in by), strict=True)
        return dict(zip(numbers.tolist(), held, strict=True))

    def _place_again(self, before, numbers: np.ndarray, names, names_of) -> None:
        """Bring the orders up to date; `before` is what `_ordered_by` gave of the clinics."""
        if len(numbers) > _MOST_PLACED_ONE_BY_ONE:
            every = names_of(self.pks[numbers_of(self.members)].tolist())
            self.by_name = ResultOrder(self._sorted_by_name(every))
            self._orders = {}
            return
        new = {int(self.pks[n]): fold(names[int(self.pks[n])]) for n in numbers.tolist()}
        name_order = NameOrder(self.by_name, self.pks, new, names_of)
        name_order.replace(list(before), numbers.tolist())
        after = self._ordered_by(numbers)
        out = [number for number, held in before.items() if after.get(number) != held]
        into = [number for number, held in after.items() if before.get(number) != held]
        if out or into:
            for name, order in self._orders.items():
                order.replace(np.array(out, np.uint32), into, self._key_of(name))

    def take_vocabulary(self, vocabulary: Vocabulary) -> None:
        """Go on with another vocabulary, in which the currencies are the same."""
        if vocabulary.rates != self.vocabulary.rates:
            self.offers.take_rates(vocabulary.rates)
        self.vocabulary = vocabulary
        self.serial = next(_serial)
        countries: dict[str, list[BitMap]] = {}
        for pk, clinics in self.options.get("city", {}).items():
            if place := vocabulary.places.get(pk):
                countries.setdefault(place.country_id, []).append(clinics)
        self.options["country"] = {code: union(found) for code, found in countries.items()}
        self._put_at_their_town(numbers_of(self.at_their_town))
        self._forget_derived()

    def turn_to(self, day: date) -> None:
        """Go on with another day. Clinics whose facts expire in between need an update, too."""
        self.day = day
        self._orders = {}
        self._forget_results()

    @property
    def place_table(self) -> PlaceTable:
        """The towns and countries of the vocabulary, ready for counting clinics."""
        if self._place_table is None:
            self._place_table = PlaceTable(self.vocabulary, self.places)
        return self._place_table

    def remember(self, name: Hashable, make: Callable[[], object]):
        """What `make()` gives, worked out once until anything in the index changes."""
        if name not in self._remembered:
            self._remembered[name] = make()
        return self._remembered[name]

    def version_of(self, clinic: int) -> Hashable:
        """Another value whenever anything that a page prints of the clinic may have changed."""
        return self.serial, self.changes.get(clinic, 0)

    # --- Answers

    def pks_of(self, clinics: BitMap) -> list[int]:
        """The primary keys of clinics by number."""
        return self.pks[numbers_of(clinics)].tolist()

    def first_by_match(self, clinics: BitMap, most: int) -> list[int]:
        """Primary keys of the first of these clinics in the order of the day."""
        return self.pks[self.order("daily").cut(clinics, 0, most)].tolist()

    def finding(self, words: list[str]) -> BitMap:
        """Clinics that every word finds; see `searching`."""
        found = self.members
        for word in words:
            found = found & self.searching(word)
        return found

    def listed_as(self, words: list[str]) -> BitMap:
        """Clinics in whose own names, and those of their people, each word starts a word."""
        found = self.members
        for word in words:
            found = found & self.words.holders(word)
        return found

    def searching(self, word: str) -> BitMap:
        """Clinics with a name, person, town, country or treatment in which a word starts so."""
        vocabulary = self.vocabulary
        towns, countries = self.options.get("city", {}), self.options.get("country", {})
        return self.words.holders(word) | union(
            [
                *(towns[pk] for pk in vocabulary.towns_starting(word) if pk in towns),
                *(
                    countries[code]
                    for code in vocabulary.countries_starting(word)
                    if code in countries
                ),
                *(self.holders("treatment", pk) for pk in vocabulary.treatments_starting(word)),
            ]
        )

    def holders(self, facet: str, key: Hashable) -> BitMap:
        """Clinics with an option; of offer facets, those with any offer that has it."""
        if facet in clinic_facets():
            return self.options.get(facet, {}).get(key, _NOBODY)
        if facet == "treatment" and len(columns := self.columns_of(key)) == 1:
            return columns[0].holders
        return self._offering_option((facet, key))

    # --- What is asked

    @property
    def _columns_by_treatment(self) -> dict[int, list[tuple[tuple[int, int], Column]]]:
        """The columns of each published treatment that is offered, the first offers first."""
        return self.remember("columns", self._sort_columns)

    def _sort_columns(self) -> dict[int, list[tuple[tuple[int, int], Column]]]:
        found: dict[int, list] = {}
        for place, column in sorted(self.offers.columns.items(), key=lambda item: item[0]):
            if place[0] in self.vocabulary.published:
                found.setdefault(place[0], []).append((place, column))
        return found

    def columns_meeting(
        self, conditions: dict[str, tuple]
    ) -> Iterator[tuple[tuple[int, int], Column]]:
        """The columns of the treatments and concerns asked for."""
        columns = self._columns_by_treatment
        treatments = conditions.get("treatment", columns)
        if "concern" in conditions:
            published, concerns = self.vocabulary.published, conditions["concern"]
            treatments = [
                pk
                for pk in treatments
                if pk in published and published[pk].concerns.intersection(concerns)
            ]
        return chain.from_iterable(columns.get(pk, ()) for pk in treatments)

    def columns_with(self, facet: str, key: Hashable) -> list[tuple[tuple[int, int], BitMap]]:
        """Columns in which some offers have an option, and the clinics of these; all published
        treatments."""
        return self.remember(
            ("columns with", facet, key),
            lambda: [
                (place, clinics)
                for place, column in self.columns_meeting({})
                if (clinics := column.options.get(facet, {}).get(key))
            ],
        )

    def columns_of(self, treatment: int) -> list[Column]:
        """The columns of a treatment, the first offers first; none unless it is published."""
        return [column for _place, column in self._columns_by_treatment.get(treatment, ())]

    # --- Options of offers, and pairs of them

    def _offering_option(self, *conditions: tuple[str, Hashable]) -> BitMap:
        """Clinics with an offer that has one or two options at once; kept for the next time."""
        first, *others = conditions
        key = (first, *others) if not others or str(first) <= str(others[0]) else (*others, first)
        held = self._unions.get(key)
        if held is None:
            if len(self._unions) >= _UNIONS_KEPT:
                del self._unions[next(iter(self._unions))]
            held = self._unions[key] = self._united(key)
        return held

    def _united(self, conditions: tuple) -> BitMap:
        """Clinics with an offer that meets the conditions."""
        chosen: dict[str, tuple] = {}
        others = []
        for facet, key in conditions:
            if facet in ("treatment", "concern"):
                chosen[facet] = (key,)
            else:
                others.append((facet, key))
        found = []
        for _place, column in self.columns_meeting(chosen):
            parts = [column.options.get(facet, {}).get(key, _NOBODY) for facet, key in others]
            found.append(
                BitMap.intersection(*parts) if len(parts) > 1 else [*parts, column.holders][0]
            )
        return union(found)

    def _refresh_unions(self, changed: BitMap) -> None:
        """Put clinics that were taken out into the unions again, as they are now."""
        if len(changed) > _MOST_PLACED_ONE_BY_ONE:
            self._unions = {}
            return
        for number in changed:
            offers = list(self._options_of_offers(number))
            for conditions, found in self._unions.items():
                if any(offer.issuperset(conditions) for offer in offers):
                    found.add(number)

    def _options_of_offers(self, number: int) -> Iterator[set[tuple[str, Hashable]]]:
        """For each public offer of a clinic its options, with the facet of each."""
        for (treatment, _nth), column in self.columns_meeting({}):
            if number in column.holders:
                yield {
                    ("treatment", treatment),
                    *(("concern", key) for key in self.vocabulary.published[treatment].concerns),
                    *(
                        (facet, key)
                        for facet, options in column.options.items()
                        for key, clinics in options.items()
                        if number in clinics
                    ),
                }

    def parts(self, alternatives: list[tuple[tuple[str, Hashable], ...]]) -> list[BitMap]:
        """Bitmaps whose union are the clinics with an offer that meets any alternative, each
        of one or two options."""
        parts = []
        for conditions in alternatives:
            treatment = next((key for facet, key in conditions if facet == "treatment"), None)
            if treatment is None:
                parts.append(self._offering_option(*conditions))
                continue
            other = next((c for c in conditions if c[0] != "treatment"), None)
            columns = self.columns_of(treatment)
            if other is None:
                parts += [column.holders for column in columns]
            elif other[0] == "concern":
                if columns and other[1] in self.vocabulary.published[treatment].concerns:
                    parts += [column.holders for column in columns]
            else:
                options = [column.options.get(other[0], {}).get(other[1]) for column in columns]
                parts += [clinics for clinics in options if clinics]
        return parts

    # --- Counts

    def keys_of(self, facet: str) -> list[tuple[str, Hashable]]:
        """Every option of a facet: its value in a selection, and its key here."""
        known = self.vocabulary.keys.get(facet)
        if known is not None:
            return list(known.items())
        if facet in clinic_facets():
            return [(key, key) for key in self.options.get(facet, {})]
        return self.remember(("keys", facet), lambda: self._keys_of_offers(facet))

    def _keys_of_offers(self, facet: str) -> list[tuple[str, Hashable]]:
        columns = self.offers.columns.values()
        return [(key, key) for key in {key for c in columns for key in c.options.get(facet, ())}]

    def option_counts(self, facet: str, beside: tuple = ((),)) -> OptionCounts:
        """The options of a facet, each together with one of `beside`, ready to be counted.

        `beside` are options of one other offer facet; one empty alternative where there is
        none. Kept, because finding them costs more than counting.
        """
        counted = self._lists.get((facet, beside))
        if counted is None:
            if len(self._lists) >= _LISTS_KEPT:
                del self._lists[next(iter(self._lists))]
            options = (
                (
                    value,
                    [self.holders(facet, key)]
                    if beside == ((),)
                    else self.parts([(*conditions, (facet, key)) for conditions in beside]),
                )
                for value, key in self.keys_of(facet)
            )
            counted = self._lists[facet, beside] = OptionCounts(options, self.filling)
        return counted

    # --- Prices

    def lowest_of(self, clinics: BitMap, columns: dict[tuple[int, int], BitMap]) -> np.ndarray:
        """For each of `clinics`, rising, the code of the lowest price among their offers in
        `columns`; NOTHING where none can be compared."""
        euro = self.offers.lowest_in_euro(self.vocabulary.rates)
        numbers = numbers_of(clinics)
        few = len(numbers) * _FEWER < len(self.pks)
        codes = np.zeros(len(numbers) if few else len(self.pks), np.uint32)
        for place, found in columns.items():
            if not found:
                continue
            holders, own = self.offers.columns[place].prices.of(found)
            at = np.searchsorted(numbers, holders) if few else holders
            held = codes[at]
            codes[at] = np.where(euro[own] < euro[held], own, held)
        return codes if few else codes[numbers]

    def lowest_values(
        self, clinics: BitMap, columns: dict[tuple[int, int], BitMap], values: np.ndarray
    ) -> np.ndarray:
        """For each of `clinics`, rising, the lowest of `values`, which are by price code, among
        its offers in `columns`; that of NOTHING, which none exceeds, where it has no price there.
        """
        numbers = numbers_of(clinics)
        few = len(numbers) * _FEWER < len(self.pks)
        lowest = np.full(len(numbers) if few else len(self.pks), values[NOTHING])
        for place, found in columns.items():
            holders, codes = self.offers.columns[place].prices.of(found)
            # Taken at places of numpy's own kind, which takes half the time of any other.
            at = numbers.searchsorted(holders) if few else holders.astype(np.intp)
            lowest[at] = np.minimum(lowest.take(at), values.take(codes))
        return lowest if few else lowest.take(numbers)

    def spread_of(self, columns: dict[tuple[int, int], BitMap], values: np.ndarray) -> np.ndarray:
        """By value: of how many clinics it is the lowest among their offers in `columns`. `values`
        are by price code; that of NOTHING, which none exceeds, is of no price."""
        first, *others = sorted(columns, key=lambda place: len(columns[place]), reverse=True)
        rest = union(columns[place] for place in others)
        if len(rest) * _SECOND < len(columns[first]):
            # Hardly any clinic has a second offer: all others are counted by code.
            prices = self.offers.columns[first].prices
            codes = np.bincount(prices.of(columns[first])[1], minlength=len(values))
            codes -= np.bincount(prices.of(columns[first] & rest)[1], minlength=len(values))
            counted = np.bincount(values, weights=codes).astype(np.int64)
            columns = {place: found & rest for place, found in columns.items()}
            return counted + self._spread_of_lowest(rest, columns, values)
        return self._spread_of_lowest(columns[first] | rest, columns, values)

    def _spread_of_lowest(self, clinics: BitMap, columns: dict, values: np.ndarray) -> np.ndarray:
        lowest = self.lowest_values(clinics, columns, values)
        return np.bincount(lowest, minlength=int(values.max()) + 1)

    def lowest_codes(self, only_current: bool = False) -> np.ndarray:
        """By clinic number: the code of its lowest price of all offers; of those only whose
        price is not out of date, if asked so."""
        if only_current not in self._lowest:
            self._lowest[only_current] = np.zeros(len(self.pks), np.uint32)
            self._refresh_lowest(self.members, only_current)
        return self._lowest[only_current]

    def _refresh_lowest(self, changed: BitMap, only_current: bool) -> None:
        lowest = self._lowest[only_current]
        missing = len(self.pks) - len(lowest)
        if missing > 0:
            lowest = np.concatenate([lowest, np.zeros(missing, np.uint32)])
            self._lowest[only_current] = lowest
        columns = {
            place: (column.current if only_current else column.holders) & changed
            for place, column in self.columns_meeting({})
        }
        lowest[numbers_of(changed)] = self.lowest_of(changed, columns)

    # --- Order

    def within(self, point: Point, km: float) -> BitMap:
        near = may_be_within(point.latitude, point.longitude, km, self.latitudes, self.longitudes)
        numbers = np.flatnonzero(near).astype(np.uint32)
        return bitmap_of(numbers[self.kilometres_from(point, numbers) <= km]) & self.members

    def kilometres_from(self, point: Point, numbers: np.ndarray) -> np.ndarray:
        return kilometres(
            point.latitude, point.longitude, self.latitudes[numbers], self.longitudes[numbers]
        )

    def order(self, name: str) -> ResultOrder:
        if name == "name":
            return self.by_name
        if name not in self._orders:
            numbers = numbers_of(self.members)
            daily = self._daily_places()[numbers]
            first = {
                "daily": lambda: np.zeros(len(numbers), np.int8),
                "confirmed": lambda: -self.confirmed[numbers],
                "price": lambda: self._lowest_in_euro()[numbers],
            }[name]()
            self._orders[name] = ResultOrder(numbers[np.lexsort((self.pks[numbers], daily, first))])
        return self._orders[name]

    def _lowest_in_euro(self, number: int | slice = slice(None)):
        """The lowest price that is not out of date, by clinic number; infinite without one."""
        euro = self.offers.lowest_in_euro(self.vocabulary.rates)
        return euro[self.lowest_codes(only_current=True)[number]]

    def _key_of(self, name: str) -> Callable[[int], tuple]:
        """What an order sorts by, for one clinic number."""
        drawn = drawn_on(self.day)
        first = {
            "daily": lambda _number: 0,
            "confirmed": lambda number: -int(self.confirmed[number]),
            "price": lambda number: float(self._lowest_in_euro(number)),
        }[name]
        return lambda number: (
            first(number),
            shuffled_place(int(self.shuffle_keys[number]), drawn),
            int(self.pks[number]),
        )

    def _daily_places(self) -> np.ndarray:
        return shuffled_place(self.shuffle_keys.astype(np.int64), drawn_on(self.day))


class _Numbering:
    """The numbers of the clinics of some facts."""

    def __init__(self, pks: np.ndarray, numbers: np.ndarray):
        self.numbers = numbers
        order = np.argsort(pks)
        self._pks, self._numbers = pks[order], numbers[order]

    def of(self, clinics: np.ndarray) -> np.ndarray:
        """The numbers of clinics by primary key, in any order and repeated as they come."""
        if not len(clinics):
            return np.empty(0, np.uint32)
        return self._numbers[np.searchsorted(self._pks, clinics)]

    def names(self, facts: Facts) -> tuple[np.ndarray, list[str]]:
        """Clinics by number, and beside each a name that finds it."""
        pairs = [*facts.people, *facts.names.items()]
        pks = np.fromiter((pk for pk, _name in pairs), np.int64, len(pairs))
        return self.of(pks), [name for _pk, name in pairs]


_NOBODY = BitMap()


def options_combined(chosen: dict[str, tuple]) -> list[tuple[tuple[str, Hashable], ...]]:
    """Alternatives, each with one option of every chosen facet."""
    alternatives: list[tuple] = [()]
    for facet, keys in chosen.items():
        alternatives = [(*before, (facet, key)) for before in alternatives for key in keys]
    return alternatives
