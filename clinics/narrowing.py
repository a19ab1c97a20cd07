"""One selection narrowed down in the index: what matches, every count, and the order.

Contract: the count beside an option equals the number of results when that option is the
only choice of its facet and every other facet keeps its choices. With "all of these
treatments" the count beside a treatment says how many results also offer it.
"""

from collections.abc import Hashable, Iterator
from dataclasses import replace
from functools import cached_property

import numpy as np
from pyroaring import BitMap

from .bitmaps import numbers_of, union
from .facet_index import FacetIndex, options_combined
from .listing_facts import FRESH_SIX_MONTHS, clinic_facets, offer_facets
from .offer_columns import BANDS, Column, Range, Ranges
from .option_counts import Counted
from .selection import PER_PAGE, Answer, Point, Selection, last_page, searched_words

BUSIEST_TOWNS = 10
_CIRCLES_KM = (20, 80, 320, 1280, 5120)
# Clinics whose prices are compared although no treatment is chosen.
MOST_OF_ANY_TREATMENT = 2000
_NOBODY = BitMap()


def narrowed(index: FacetIndex, selection: Selection) -> "Narrowing":
    """The selection narrowed down; the same object as long as the same is asked of the index."""
    last = index.remember("last narrowing", dict)
    if last.get("selection") is not selection:
        last.update(selection=selection, narrowing=Narrowing(index, selection))
    return last["narrowing"]


class Narrowing:
    """A selection in the terms of the index, and what follows from it.

    `conditions` are bitmaps of clinic numbers, by facet or kind of condition, all of which
    must hold; `chosen` the keys of each offer facet; `ranges` what an offer's numbers must
    meet. `all_treatments` only when two or more are chosen.
    """

    def __init__(self, index: FacetIndex, selection: Selection):
        self.index, self.selection = index, selection
        self.conditions: dict[str, BitMap] = {}
        self.chosen: dict[str, tuple] = {}
        self._ready: Counted | None = None
        self._read_out: tuple[BitMap, np.ndarray] | None = None
        self._known: dict[Ranges, dict[tuple[int, int], BitMap]] = {}
        for facet, values in selection.chosen.items():
            if values:
                self._choose(facet, values)
        if selection.words:
            self.conditions["q"] = index.finding(searched_words(selection.words)[0])
        if selection.near and selection.radius_km is not None:
            self.conditions["near"] = index.within(selection.near, selection.radius_km)
        self.ranges = Ranges(
            price=Range(selection.price_min, selection.price_max),
            sessions=Range(selection.sessions_min, selection.sessions_max),
            course=Range(selection.course_min, selection.course_max),
            currency=selection.currency,
        )
        treatments = selection.chosen.get("treatment", ())
        self.all_treatments = selection.all_treatments and len(treatments) > 1
        if self.all_treatments and len(self.chosen["treatment"]) < len(treatments):
            # One of them is unknown, so nobody offers them all.
            self.conditions["treatment"] = _NOBODY

    def _choose(self, facet: str, values: tuple[str, ...]) -> None:
        known = self.index.vocabulary.keys.get(facet)
        keys = tuple(known[v] for v in values if v in known) if known is not None else values
        if facet in clinic_facets():
            holders = [self.index.holders(facet, key) for key in keys]
            self.conditions[facet] = holders[0] if len(holders) == 1 else union(holders)
        else:
            self.chosen[facet] = keys

    @property
    def asks_about_offers(self) -> bool:
        return bool(self.chosen or self.ranges)

    @property
    def is_wide_open(self) -> bool:
        """Whether nothing at all is asked."""
        return not (self.conditions or self.asks_about_offers)

    @cached_property
    def clinics(self) -> BitMap:
        """Numbers of the clinics that meet every condition on the clinic."""
        return self._clinics()

    @cached_property
    def matched(self) -> BitMap:
        """Numbers of all clinics that match."""
        return self._offering(self.clinics)

    def answer(self, page: int = 1) -> Answer:
        """Total, one page of clinics and every count; see `Answer`."""
        total = len(self.matched)
        page = min(max(page, 1), last_page(total))
        start = (page - 1) * PER_PAGE
        numbers = self._in_order(start, start + PER_PAGE)
        pks = self.index.pks[numbers].tolist() if numbers else []
        return Answer(
            total=total,
            page=page,
            ids=tuple(pks),
            matching_offers=self._matching_offers(numbers),
            counts=self.counts(),
            versions={pk: self.index.version_of(pk) for pk in pks},
            kilometres=self._kilometres(numbers, pks),
        )

    def _others(self, facet: str) -> dict[str, tuple]:
        return {name: keys for name, keys in self.chosen.items() if name != facet}

    def _clinics(self, leaving: str = "") -> BitMap:
        """Clinics that meet every condition on the clinic, one facet left out."""
        wanted = [clinics for name, clinics in self.conditions.items() if name != leaving]
        if len(wanted) < 2:
            return wanted[0] if wanted else self.index.members
        return BitMap.intersection(*sorted(wanted, key=len))

    def _offering(self, clinics: BitMap) -> BitMap:
        """Those of `clinics` that meet what is asked of an offer."""
        if not self.asks_about_offers:
            return clinics
        if self.all_treatments:
            return self._offering_all(self.chosen["treatment"], self._by_column(clinics))
        if not self.ranges and len(self.chosen) <= 2:
            return _having_any(self.index.parts(options_combined(self.chosen)), clinics)
        return union(self._by_column(clinics).values())

    def _offering_all(self, treatments: tuple, by_column: dict) -> BitMap:
        found = [
            union(clinics for (treatment, _nth), clinics in by_column.items() if treatment == pk)
            for pk in treatments
        ]
        return BitMap.intersection(*found) if found else BitMap()

    def _by_column(
        self, clinics: BitMap, leaving: str = "", ranges: Ranges | None = None
    ) -> dict[tuple[int, int], BitMap]:
        """By column: those of `clinics` whose offer there meets every condition.

        One facet is left out; `ranges` replace those asked. Columns without any are missing.
        """
        ranges = self.ranges if ranges is None else ranges
        if leaving:
            return self._by_column_anew(self._others(leaving), ranges, clinics)
        # Worked out once for all clinics that any count may need, and then only cut down.
        if ranges not in self._known:
            wide = union(self._clinics(leaving=name) for name in self.conditions or [""])
            self._known[ranges] = self._by_column_anew(self.chosen, ranges, wide)
        return {
            place: both for place, found in self._known[ranges].items() if (both := found & clinics)
        }

    def _by_column_anew(self, conditions: dict, ranges: Ranges, clinics: BitMap) -> dict:
        asked = _of_the_offer(conditions)
        columns = self.index.offers.columns
        by_treatment = "treatment" in conditions or "concern" in conditions
        if asked and len(asked[0][1]) == 1 and not by_treatment:
            (facet, (key,)), *asked = asked
            parts = (
                (place, holders & clinics) for place, holders in self.index.columns_with(facet, key)
            )
        else:
            meeting = self.index.columns_meeting(conditions)
            parts = (
                (place, clinics if asked else column.holders & clinics) for place, column in meeting
            )
        found = {}
        for place, part in parts:
            met = part
            if part and (asked or ranges):
                met = self._meeting(columns[place], asked, ranges, part)
            if met:
                found[place] = met
        return found

    def _by_column_of_few(self, clinics: BitMap) -> dict[tuple[int, int], BitMap]:
        """By column those of a few clinics, all of which match, whose offer there does."""
        if self.ranges in self._known:
            return self._by_column(clinics)
        return self._by_column_anew(self.chosen, self.ranges, clinics)

    def _meeting(self, column: Column, asked: list, ranges: Ranges, clinics: BitMap) -> BitMap:
        """Those of `clinics` whose offer in the column is as `asked`, and meets the ranges. All
        have one there, unless something is asked."""
        wanted = clinics
        for facet, keys in asked:
            options = column.options.get(facet, {})
            if len(keys) == 1:
                wanted = options.get(keys[0], _NOBODY) & wanted
            else:
                wanted = union([options[key] & wanted for key in keys if key in options])
            if not wanted:
                return wanted
        if ranges:
            wanted = self.index.offers.meeting(column, wanted, ranges, self.index.vocabulary.rates)
        return wanted

    def counts(self) -> dict[str, dict[str, int]]:
        """By facet, by option value: how many clinics; options that give none are missing."""
        if self.is_wide_open:
            return self.index.remember("counts", self._count)
        return self._count()

    def _counted(self, clinics: BitMap) -> Counted:
        """These clinics made ready to be counted; once, since most facets count the same."""
        if self._ready is None or self._ready.clinics is not clinics:
            self._ready = Counted(clinics, self.index.filling)
        return self._ready

    def _count(self) -> dict[str, dict[str, int]]:
        counts = {}
        for facet in clinic_facets():
            among = self.matched
            if facet in self.conditions:
                among = self._offering(self._clinics(leaving=facet))
            if facet == "city":
                counts[facet] = self._count_towns(among)
            elif facet == "country":
                counts[facet] = self._count_countries(among)
            else:
                counts[facet] = self.index.option_counts(facet).among(self._counted(among))
        for facet in offer_facets():
            counts[facet] = self._count_of_offers(facet)
        return counts

    def _count_of_offers(self, facet: str) -> dict[str, int]:
        clinics = self.clinics
        others = self._others(facet)
        if self.all_treatments:
            return self._count_with_all(facet)
        if not self.ranges and len(others) <= 1:
            return self.index.option_counts(facet, tuple(options_combined(others))).among(
                self._counted(clinics)
            )
        if facet == "treatment" and not others and self.ranges.only_price:
            return self._count_by_price()
        columns = self._columns if facet not in self.chosen else self._by_column(clinics, facet)
        return self._by_value(
            facet,
            {
                key: _count_of_any(columns, parts)
                for key, parts in self._parts_by_option(columns, facet).items()
            },
        )

    def _by_value(self, facet: str, counts: dict[Hashable, int]) -> dict[str, int]:
        """Counts by option value instead of key; those of none left out."""
        values = self.index.vocabulary.values.get(facet)
        return {values[key] if values else key: n for key, n in counts.items() if n}

    @cached_property
    def _columns(self) -> dict[tuple[int, int], BitMap]:
        """By column the clinics whose offer there meets every condition; none left out."""
        return self._by_column(self.clinics)

    def _count_by_price(self) -> dict[str, int]:
        """How many have an offer of each treatment within the price: no other condition."""
        among = self._counted(self.clinics).filled
        counts = {
            value: self.index.offers.count_meeting(
                self.index.columns_of(key), among, self.ranges, self.index.vocabulary.rates
            )
            for value, key in self.index.keys_of("treatment")
        }
        return {value: n for value, n in counts.items() if n}

    def _parts_by_option(self, columns: dict, facet: str) -> dict[Hashable, dict]:
        """By option: columns in which some offers have it, and which clinics these are; None
        where all of the column do."""
        parts: dict[Hashable, dict] = {}
        published, offers = self.index.vocabulary.published, self.index.offers.columns
        for place in columns:
            if facet == "treatment":
                parts.setdefault(place[0], {})[place] = None
            elif facet == "concern":
                for key in published[place[0]].concerns:
                    parts.setdefault(key, {})[place] = None
            else:
                for key, holders in offers[place].options.get(facet, {}).items():
                    parts.setdefault(key, {})[place] = holders
        return parts

    def _count_with_all(self, facet: str) -> dict[str, int]:
        """Counts while all of several treatments must be offered."""
        if facet == "treatment":
            columns = self._by_column(self.matched, leaving=facet)
            counts = {
                key: _count_of_any(columns, parts)
                for key, parts in self._parts_by_option(columns, facet).items()
            }
        else:
            columns = self._by_column(self.clinics, leaving=facet)
            counts = {}
            for key, parts in self._parts_by_option(columns, facet).items():
                having = {place: _both(columns[place], also) for place, also in parts.items()}
                counts[key] = len(self._offering_all(self.chosen["treatment"], having))
        return self._by_value(facet, counts)

    def _numbers(self, among: BitMap) -> np.ndarray:
        """Their numbers; once, since countries and towns mostly count the same."""
        if self._read_out is None or self._read_out[0] is not among:
            self._read_out = among, numbers_of(among)
        return self._read_out[1]

    def _count_countries(self, among: BitMap) -> dict[str, int]:
        return self.index.place_table.of_countries(self._numbers(among))

    def _count_towns(self, among: BitMap) -> dict[str, int]:
        """Counts of chosen towns, and of all towns of the chosen countries; of the busiest
        towns where no country is chosen."""
        keys, chosen = self.index.vocabulary.keys["city"], self.selection.chosen
        towns = [keys[value] for value in chosen.get("city", ()) if value in keys]
        countries = chosen.get("country", ())
        counts = {} if countries else self._count_busiest(among)
        if towns or countries:
            counts |= self.index.place_table.of_towns(self._numbers(among), towns, countries)
        return counts

    def _count_busiest(self, among: BitMap) -> dict[str, int]:
        index = self.index
        if len(among) * 8 < len(index.members):
            return index.place_table.of_busiest(self._numbers(among), index.places, BUSIEST_TOWNS)
        towns, values = index.options.get("city", {}), index.vocabulary.values["city"]
        counts: dict[str, int] = {}
        least = 0
        for size, pk in index.remember("towns by size", lambda: _by_size(towns)):
            # No later town can have more matches than it has clinics.
            if size < least:
                break
            if count := towns[pk].intersection_cardinality(among):
                counts[values[pk]] = count
            if len(counts) % BUSIEST_TOWNS == 0 and counts:
                least = sorted(counts.values(), reverse=True)[BUSIEST_TOWNS - 1]
        return counts

    def prices(self) -> tuple[tuple[int, int], ...]:
        """How many matching clinics have which lowest price of one session.

        Pairs of (whole units of the selection's currency, clinics), from the lowest up, as if
        no price had been asked for. Empty for many clinics when something is asked of their
        offers, but no treatment chosen: the lowest of unlike prices says little, and takes
        long to find.
        """
        ranges = replace(self.ranges, price=Range())
        asks_of_any = (self.chosen or ranges) and "treatment" not in self.chosen
        if asks_of_any and len(self.clinics) > MOST_OF_ANY_TREATMENT:
            return ()
        if self.is_wide_open:
            return self.index.remember(f"prices in {self.selection.currency}", self._spread)
        return self._spread()

    def _spread(self) -> tuple[tuple[int, int], ...]:
        rates = self.index.vocabulary.rates
        if self.selection.currency not in rates.per_euro:
            return ()
        prices, price_of_code = self.index.offers.whole_prices(rates, self.selection.currency)
        ranges = replace(self.ranges, price=Range())
        if not (self.chosen or ranges):
            codes = self.index.lowest_codes()[numbers_of(self.clinics)]
            counted = np.bincount(price_of_code[codes], minlength=len(prices))
        else:
            columns = self._columns
            if ranges != self.ranges:
                columns = self._by_column(self.clinics, ranges=ranges)
            if not columns:
                return ()
            if self.all_treatments:
                among = self._offering_all(self.chosen["treatment"], columns)
                columns = {place: found & among for place, found in columns.items()}
            counted = self.index.spread_of(columns, price_of_code)
        occurring = np.flatnonzero(counted[: len(prices)])
        return tuple(zip(prices[occurring].tolist(), counted[occurring].tolist(), strict=True))

    def _in_order(self, start: int, stop: int) -> list[int]:
        selection, matched = self.selection, self.matched
        if selection.sort == "distance" and selection.near:
            return self._nearest(selection.near, start, stop)
        if selection.sort == "price" and self.asks_about_offers:
            return self._cheapest(start, stop)
        if selection.sort in ("name", "confirmed", "price"):
            return self.index.order(selection.sort).cut(matched, start, stop)
        return self._by_match(start, stop)

    def _by_match(self, start: int, stop: int) -> list[int]:
        daily = self.index.order("daily")
        first = self._fresh_and_checked(daily.head) if stop <= PER_PAGE else _NOBODY
        if len(first) >= stop:
            return daily.cut(first, start, stop)
        found: list[int] = []
        for part in self._groups_by_match():
            if stop <= 0:
                break
            found += daily.cut(part, max(start, 0), stop)
            start, stop = start - len(part), stop - len(part)
        return found

    def _fresh_and_checked(self, among: BitMap) -> BitMap:
        """Those of `among` that match and have both a fresh price and a check."""
        return self._with_fresh_price(self.matched & among & self._every_check)

    @property
    def _every_check(self) -> BitMap:
        return self.index.remember(
            "checked", lambda: union(self.index.options.get("check", {}).values())
        )

    def _groups_by_match(self) -> Iterator[BitMap]:
        """What matches in four groups: with a fresh price and a check first, with none last."""
        checked = self._every_check
        fresh = self._with_fresh_price(self.matched)
        yield fresh & checked
        yield fresh - checked
        others = self.matched - fresh
        yield others & checked
        yield others - checked

    def _with_fresh_price(self, clinics: BitMap) -> BitMap:
        """Those of `clinics`, all of which match, that do so with an offer of a fresh price."""
        if self.ranges or len(self.chosen) > 1 or self.all_treatments:
            columns = self._by_column_of_few(clinics)
            parts = self._parts_by_option(columns, "fresh").get(FRESH_SIX_MONTHS, {})
            return union(_both(columns[place], also) for place, also in parts.items())
        fresh = ("fresh", FRESH_SIX_MONTHS)
        beside = options_combined(self.chosen)
        beside = [tuple(dict.fromkeys([*conditions, fresh])) for conditions in beside]
        return _having_any(self.index.parts(beside), clinics)

    def _cheapest(self, start: int, stop: int) -> list[int]:
        """By the lowest price that is not out of date, band by band from the lowest."""
        columns = dict(self.index.columns_meeting(self.chosen))
        known = None
        if self.ranges in self._known or len(self.matched) * 16 < len(self.index.members):
            known = {
                place: current
                for place, part in self._by_column_of_few(self.matched).items()
                if (current := part & columns[place].current)
            }
        asked = _of_the_offer(self.chosen)
        found: list[int] = []
        rest = self.matched
        for band in range(BANDS):
            if stop <= 0:
                return found
            here = {}
            for place in columns if known is None else known:
                column = columns[place]
                priced = column.bands.get(band, _NOBODY)
                if known is not None:
                    part = known[place] & priced & rest
                elif part := priced & column.current & rest:
                    part = self._meeting(column, asked, self.ranges, part)
                if part:
                    here[place] = part
            clinics = union(here.values())
            if start < len(clinics):
                found += self._by_lowest_price(clinics, here)[max(start, 0) : stop]
            start, stop = start - len(clinics), stop - len(clinics)
            rest = rest - clinics
        return found + self.index.order("daily").cut(rest, max(start, 0), max(stop, 0))

    def _by_lowest_price(self, clinics: BitMap, columns: dict) -> list[int]:
        numbers = numbers_of(clinics)
        euro = self.index.offers.lowest_in_euro(self.index.vocabulary.rates)
        lowest = self.index.lowest_values(clinics, columns, euro)
        return numbers[np.lexsort((self.index.order("daily").rank[numbers], lowest))].tolist()

    def _nearest(self, point: Point, start: int, stop: int) -> list[int]:
        stop = min(stop, len(self.matched))
        for km in (*_CIRCLES_KM, None):
            inside = self.matched if km is None else self.index.within(point, km) & self.matched
            if len(inside) >= stop:
                break
        numbers = numbers_of(inside)
        km = self.index.kilometres_from(point, numbers)
        order = np.lexsort((self.index.order("daily").rank[numbers], km))
        return numbers[order][start:stop].tolist()

    def _kilometres(self, numbers: list[int], pks: list[int]) -> dict[int, float]:
        point = self.selection.near
        if not (point and numbers):
            return {}
        km = self.index.kilometres_from(point, np.array(numbers))
        return dict(zip(pks, km.tolist(), strict=True))

    def _matching_offers(self, numbers: list[int]):
        if not self.asks_about_offers or not numbers:
            return {}
        columns = self._by_column_of_few(BitMap(numbers))
        places: dict[int, list] = {number: [] for number in numbers}
        for place in sorted(columns):
            for number in columns[place]:
                places[number].append(place)
        pks = self.index.pks[numbers].tolist()
        return {pk: tuple(places[number]) for pk, number in zip(pks, numbers, strict=True)}


def _of_the_offer(conditions: dict[str, tuple]) -> list[tuple[str, tuple]]:
    """Conditions that a column does not meet or fail as a whole; fewest alternatives first."""
    asked = [c for c in conditions.items() if c[0] not in ("treatment", "concern")]
    return sorted(asked, key=lambda condition: len(condition[1]))


def _count_of_any(columns: dict, parts: dict[tuple[int, int], BitMap | None]) -> int:
    """How many clinics are in any of some columns and in the bitmap beside it, if any."""
    if len(parts) == 1:
        return sum(_size(columns[place], also) for place, also in parts.items())
    found = [_both(columns[place], also) for place, also in parts.items()]
    if len(found) == 2:
        return found[0].union_cardinality(found[1])
    return len(union(found))


def _both(clinics: BitMap, also: BitMap | None) -> BitMap:
    return clinics if also is None else clinics & also


def _size(clinics: BitMap, also: BitMap | None) -> int:
    return len(clinics) if also is None else clinics.intersection_cardinality(also)


def _having_any(options: list[BitMap], clinics: BitMap) -> BitMap:
    """Those of `clinics` that are in any of the bitmaps. Not by their union, which may be large."""
    if len(options) == 1:
        return options[0] & clinics
    return union([holders & clinics for holders in options])


def _by_size(options: dict[Hashable, BitMap]) -> list[tuple[int, Hashable]]:
    sizes = sorted(((len(clinics), -pk) for pk, clinics in options.items()), reverse=True)
    return [(size, -pk) for size, pk in sizes]
