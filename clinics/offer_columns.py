"""All offers in memory, laid out so that conditions hold for one and the same offer.

A column holds one offer of each clinic: the clinic's first offer of one treatment, or its
second, and so on. Within a column a clinic number means exactly one offer, so that "laser
at most 200, on the face" is an intersection of that column's bitmaps. Prices and session
plans are kept as codes of the few thousand combinations that occur; a range is tried on
the combinations and then looked up for each offer.
"""

from dataclasses import dataclass, field
from decimal import Decimal

import numpy as np
from pyroaring import BitMap

from .bitmaps import bitmap_of, numbers_of, union
from .exchange import Rates
from .listing_facts import OFFER_COLUMNS, OFFER_FACETS, UNSTATED, Facts

# Edges of the price bands, in euro: about as many offers between any two.
BAND_EDGES = np.array([20, 40, 60, 80, 100, 125, 150, 200, 250, 300, 400, 500, 700, 1000, 2000])
BANDS = len(BAND_EDGES) + 1
# Beyond the bands: prices without a rate, and code 0.
_UNRATED = BANDS
# Asked price ranges of which the outcome is kept: of a million clinics some 4 MB each.
_RANGES_KEPT = 16
# Odd and without a pattern: multiplying by it spreads neighbouring numbers over 64 bits.
_MIXER = np.uint64(0x9E3779B97F4A7C15)
# Up to so many clinics, and one in so many, are looked for in a bitmap without reading it out.
_FEW, _RARE = 8, 4000
# The code of "no price that can be compared" and of "nothing said about sessions".
NOTHING = 0


class Combinations:
    """Distinct rows of whole numbers, each with a code. Code 0 stands for none of them."""

    def __init__(self, width: int):
        self.rows = np.full((1, width), UNSTATED, np.int64)
        self._codes: dict[tuple[int, ...], int] = {}

    def codes_of(self, rows: np.ndarray) -> np.ndarray:
        """The codes of these rows; rows not met before get the next ones."""
        if not len(rows):
            return np.empty(0, np.uint32)
        first, inverse = _distinct_rows(rows)
        distinct = [tuple(row) for row in rows[first].tolist()]
        new = [row for row in distinct if row not in self._codes]
        for row in new:
            self._codes[row] = len(self._codes) + 1
        if new:
            self.rows = np.concatenate([self.rows, np.array(new, np.int64)])
        return np.array([self._codes[row] for row in distinct], np.uint32)[inverse]

    def restore(self, rows: np.ndarray) -> None:
        """Take over the rows of another, with their codes."""
        self.rows = rows
        self._codes = {tuple(row): code for code, row in enumerate(rows.tolist()) if code}


def _distinct_rows(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The places of the first of all equal rows, and for each row which of these it equals."""
    # Sorting one number for each row is much quicker than sorting rows.
    mixed = np.zeros(len(rows), np.uint64)
    for column in rows.T:
        mixed = (mixed ^ column.astype(np.uint64)) * _MIXER
    _distinct, first, inverse = np.unique(mixed, return_index=True, return_inverse=True)
    if np.array_equal(rows[first][inverse], rows):
        return first, inverse
    # Two different rows gave one number.
    _distinct, first, inverse = np.unique(rows, axis=0, return_index=True, return_inverse=True)
    return first, inverse.reshape(-1)


class CodedClinics:
    """Clinics with a code each: a bitmap, and the codes in rising order of its numbers."""

    def __init__(self, clinics: BitMap | None = None, codes: np.ndarray | None = None):
        self.clinics = BitMap() if clinics is None else clinics
        self.codes = np.empty(0, np.uint16) if codes is None else codes

    @classmethod
    def restored(cls, clinics: BitMap, codes: np.ndarray) -> "CodedClinics":
        """From a bitmap and the codes in order of its numbers."""
        return cls(clinics, _narrowest(codes))

    def forget(self, clinics: BitMap) -> None:
        """Take these clinics out."""
        gone = self.clinics & clinics
        if gone:
            self.codes = np.delete(self.codes, self._places_of(numbers_of(gone)))
            self.clinics -= gone

    def add(self, numbers: np.ndarray, codes: np.ndarray) -> None:
        """Put in clinics (rising), none of which is here, with their codes."""
        new = _narrowest(codes)
        if self.clinics:
            places = self._places_of(numbers)
            kind = np.promote_types(self.codes.dtype, new.dtype)
            self.codes = np.insert(self.codes.astype(kind, copy=False), places, new)
        else:
            self.codes = new
        self.clinics |= bitmap_of(numbers)

    def of(self, clinics: BitMap) -> tuple[np.ndarray, np.ndarray]:
        """Those of `clinics` that are here: their numbers, rising, and their codes."""
        wanted = self.clinics & clinics
        numbers = numbers_of(wanted)
        if self._are_few(numbers):
            return numbers, self.codes[self._places_of(numbers)]
        held = numbers_of(self.clinics)
        if len(numbers) == len(held):
            return held, self.codes
        if len(numbers) * 8 < len(held):
            return numbers, self.codes[np.searchsorted(held, numbers)]
        # Places of numpy's own kind, and no mask as an index: both cost several times as much.
        here = np.zeros(int(held[-1]) + 1, bool)
        here[numbers.astype(np.intp)] = True
        return numbers, self.codes.compress(here.take(held.astype(np.intp)))

    def _are_few(self, numbers: np.ndarray) -> bool:
        return len(numbers) <= max(_FEW, len(self.codes) // _RARE)

    def _places_of(self, numbers: np.ndarray) -> np.ndarray:
        """Where the codes of these clinics stand, or would: `numbers` rise and none is 0."""
        if self._are_few(numbers):
            return np.array([self.clinics.rank(n - 1) for n in numbers.tolist()], np.intp)
        return np.searchsorted(numbers_of(self.clinics), numbers)

    def with_codes(self, met: np.ndarray) -> BitMap:
        """The clinics whose code is true in `met`."""
        return bitmap_of(numbers_of(self.clinics).compress(met.take(self.codes)))


def _narrowest(codes: np.ndarray) -> np.ndarray:
    fits = not len(codes) or codes.max() < 2**16
    return codes.astype(np.uint16 if fits else np.uint32)


@dataclass
class Column:
    """One offer of each clinic in `holders`: see the module.

    `options` maps an offer facet and the key of an option to the clinics whose offer has
    it; `current` are those whose price is not out of date. `prices` holds the clinics that
    state a comparable price, `bands` the same by price band; `plans` those that say how many
    sessions.
    """

    treatment: int
    nth: int
    holders: BitMap = field(default_factory=BitMap)
    current: BitMap = field(default_factory=BitMap)
    options: dict[str, dict[object, BitMap]] = field(default_factory=dict)
    prices: CodedClinics = field(default_factory=CodedClinics)
    bands: dict[int, BitMap] = field(default_factory=dict)
    plans: CodedClinics = field(default_factory=CodedClinics)

    def forget(self, clinics: BitMap) -> None:
        """Take the offers of these clinics out."""
        if not self.holders.intersect(clinics):
            return
        gone = self.holders & clinics
        for coded in (self.plans, self.prices):
            coded.forget(gone)
        options = [bitmap for found in self.options.values() for bitmap in found.values()]
        for bitmap in (self.holders, self.current, *self.bands.values(), *options):
            bitmap.difference_update(gone)


@dataclass(frozen=True)
class Range:
    """From `low` to `high`, both included; None leaves that end open."""

    low: Decimal | int | None = None
    high: Decimal | int | None = None

    def __bool__(self):
        return self.low is not None or self.high is not None


@dataclass(frozen=True)
class Ranges:
    """What is asked of an offer's numbers: a range is met when it overlaps the offer's own.

    `price` is of one session, `course` of a whole course with its first consultation, in
    `currency`; only prices for a session take part. Truth value: whether anything is asked.
    """

    price: Range = Range()
    sessions: Range = Range()
    course: Range = Range()
    currency: str = "EUR"

    def __bool__(self):
        return bool(self.price or self.sessions or self.course)

    @property
    def only_price(self) -> bool:
        return bool(self.price) and not (self.sessions or self.course)


class _PricesMeeting:
    """Which prices meet one range, and by column the clinics whose price does.

    `codes` says it for each price; `whole` bands are those of which every price does.
    """

    def __init__(self, codes: np.ndarray, band_of_code: np.ndarray):
        self.codes = codes
        every = np.bincount(band_of_code, minlength=BANDS + 1)
        meeting = np.bincount(band_of_code[codes], minlength=BANDS + 1)
        self.whole = ((meeting == every) & (every > 0)).tolist()
        self.partly = ((meeting > 0) & (meeting < every)).tolist()
        self._clinics: dict[tuple[int, int], BitMap] = {}
        self._later: dict[int, BitMap] = {}

    def clinics(self, column: Column) -> BitMap:
        """Clinics in `column` whose price meets the range."""
        place = column.treatment, column.nth
        found = self._clinics.get(place)
        if found is None:
            whole = [clinics for band, clinics in column.bands.items() if self.whole[band]]
            found = self._clinics[place] = union([self._edge(column), *whole])
        return found

    def _edge(self, column: Column) -> BitMap:
        """Those in bands of which not all prices meet the range."""
        cut = union(clinics for band, clinics in column.bands.items() if self.partly[band])
        numbers, codes = column.prices.of(cut)
        return bitmap_of(numbers.compress(self.codes.take(codes)))

    def only_later(self, first: Column, others: list[Column]) -> BitMap:
        """Clinics whose second or later offer of a treatment meets it, and the first does not."""
        found = self._later.get(first.treatment)
        if found is None:
            found = union(map(self.clinics, others)) - self.clinics(first)
            self._later[first.treatment] = found
        return found


class OfferTable:
    """The columns of all treatments, and the combinations that their codes stand for."""

    def __init__(self):
        self.columns: dict[tuple[int, int], Column] = {}
        # Lowest and highest price of a session in hundredths, and the currency's place.
        self.prices = Combinations(3)
        # Fewest and most sessions, and the fee of the first consultation in hundredths.
        self.plans = Combinations(3)
        self.currencies: tuple[str, ...] = ()
        # By price code: its band.
        self.band_of_code = np.array([_UNRATED], np.uint8)
        self._euro: tuple[Rates, np.ndarray] | None = None
        # By currency: the array of `_euro` that it was made from, and what `whole_prices` gives.
        self._whole: dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]] = {}
        self._met: dict[tuple[Range, str], _PricesMeeting] = {}
        self._met_at: Rates | None = None

    def forget(self, clinics: BitMap) -> None:
        """Take out every offer of these clinics."""
        self._met = {}
        for column in self.columns.values():
            column.forget(clinics)

    def add(self, facts: Facts, numbers: np.ndarray, rates: Rates) -> None:
        """Put in the offers of `facts`; `numbers` are the clinic numbers of its offer rows."""
        self._met = {}
        if not len(facts.offers):
            return
        self._euro = None
        # In order of primary keys, which says which offer of a treatment is the first.
        rows = facts.offers[np.argsort(facts.offers[:, 0])]
        field_of = {name: rows[:, place] for place, name in enumerate(OFFER_COLUMNS)}
        number_of = numbers[np.argsort(facts.offers[:, 0])].astype(np.int64)
        order = np.argsort(field_of["treatment"] << 32 | number_of, kind="stable")
        clinics, treatments = number_of[order].astype(np.uint32), field_of["treatment"][order]
        nth = _nth_of_equals(clinics, treatments)
        prices, plans = self._price_codes(field_of)[order], self._plan_codes(field_of)[order]
        self.band_new_prices(rates)
        is_current = field_of["is_current"][order] == 1
        own = [rows[:, place][order] for place in range(len(OFFER_COLUMNS), rows.shape[1])]
        places: list[tuple[int, int]] = []
        place_of_offer = np.empty(len(rows), np.int64)
        starts = np.flatnonzero(np.diff(treatments, prepend=treatments[0] - 1))
        for start, stop in zip(starts, [*starts[1:], len(rows)], strict=True):
            for which in range(int(nth[start:stop].max()) + 1):
                taken = start + np.flatnonzero(nth[start:stop] == which)
                place = int(treatments[start]), which
                column = self.columns.setdefault(place, Column(*place))
                column.holders |= bitmap_of(clinics[taken])
                column.current |= bitmap_of(clinics[taken[is_current[taken]]])
                self._add_prices(column, clinics[taken], prices[taken])
                said = taken[plans[taken] != NOTHING]
                column.plans.add(clinics[said], plans[said])
                _add_own_options(column, [found[taken] for found in own], clinics[taken])
                place_of_offer[order[taken]] = len(places)
                places.append(place)
        for name, options in facts.offer_options.items():
            self._add_options(name, options, field_of["pk"], number_of, place_of_offer, places)

    def _add_prices(self, column: Column, clinics: np.ndarray, codes: np.ndarray) -> None:
        stated = codes != NOTHING
        clinics, codes = clinics[stated], codes[stated]
        column.prices.add(clinics, codes)
        self._add_to_bands(column, clinics, codes)

    def _add_to_bands(self, column: Column, clinics: np.ndarray, codes: np.ndarray) -> None:
        bands = self.band_of_code[codes]
        for band in np.unique(bands).tolist():
            there = bitmap_of(clinics[bands == band])
            column.bands.setdefault(band, BitMap()).update(there)

    def _price_codes(self, field_of) -> np.ndarray:
        codes = np.full(len(field_of["pk"]), NOTHING, np.uint32)
        known = (field_of["is_for_session"] == 1) & (field_of["price_low"] != UNSTATED)
        rows = [field_of[name][known] for name in ("price_low", "price_high", "currency")]
        codes[known] = self.prices.codes_of(np.stack(rows, axis=1))
        return codes

    def _plan_codes(self, field_of) -> np.ndarray:
        codes = np.full(len(field_of["pk"]), NOTHING, np.uint32)
        known = field_of["sessions_low"] != UNSTATED
        names = ("sessions_low", "sessions_high", "consultation_fee")
        codes[known] = self.plans.codes_of(
            np.stack([field_of[name][known] for name in names], axis=1)
        )
        return codes

    def _add_options(self, name, options, pks, number_of, place_of_offer, places) -> None:
        """Add rows of (offer, option); the arrays are aligned with `pks`, which rise."""
        at = np.minimum(np.searchsorted(pks, options[:, 0]), len(pks) - 1)
        known = pks[at] == options[:, 0]
        at, keys = at[known], options[known, 1]
        if not len(at):
            return
        distinct, which = np.unique(keys, return_inverse=True)
        both = place_of_offer[at] * len(distinct) + which
        order = np.argsort(both << 32 | number_of[at])
        both, clinics = both[order], number_of[at][order].astype(np.uint32)
        starts = np.flatnonzero(np.diff(both, prepend=-1))
        for start, stop in zip(starts, [*starts[1:], len(both)], strict=True):
            place, option = divmod(int(both[start]), len(distinct))
            options_of_column = self.columns[places[place]].options.setdefault(name, {})
            options_of_column.setdefault(int(distinct[option]), BitMap()).update(
                bitmap_of(clinics[start:stop])
            )

    def meeting(self, column: Column, clinics: BitMap, ranges: Ranges, rates: Rates) -> BitMap:
        """Those of `clinics`, all holders of `column`, whose offer there meets the ranges."""
        if ranges.price:
            clinics = self._with_price_met(column, clinics, ranges, rates)
        if ranges.sessions:
            clinics = column.plans.with_codes(self._plans_meeting(ranges.sessions)) & clinics
        if ranges.course:
            clinics = self._with_course_met(column, clinics, ranges, rates)
        return clinics

    def count_meeting(
        self, columns: list[Column], clinics: BitMap, ranges: Ranges, rates: Rates
    ) -> int:
        """How many of `clinics` have an offer within the price, asked alone.

        `columns` are all of one treatment, the clinics' first offers first.
        """
        if not columns:
            return 0
        met = self._prices_meeting(ranges, rates)
        first, *others = columns
        count = met.clinics(first).intersection_cardinality(clinics)
        if others:
            count += met.only_later(first, others).intersection_cardinality(clinics)
        return count

    def take_rates(self, rates: Rates) -> None:
        """Sort all prices into bands anew, at other rates."""
        self._met = {}
        euro = self.lowest_in_euro(rates)
        self.band_of_code = _bands_of(euro)
        for column in self.columns.values():
            column.bands = {}
            self._add_to_bands(column, numbers_of(column.prices.clinics), column.prices.codes)

    def _with_price_met(self, column: Column, clinics: BitMap, ranges, rates) -> BitMap:
        return self._prices_meeting(ranges, rates).clinics(column) & clinics

    def _prices_meeting(self, ranges: Ranges, rates: Rates) -> "_PricesMeeting":
        asked = ranges.price, ranges.currency
        if self._met_at is not rates:
            self._met, self._met_at = {}, rates
        met = self._met.pop(asked, None)
        if met is None:
            if len(self._met) >= _RANGES_KEPT:
                del self._met[next(iter(self._met))]
            met = _PricesMeeting(self._codes_meeting(ranges, rates), self.band_of_code)
        # The one asked for last stands last.
        self._met[asked] = met
        return met

    def _codes_meeting(self, ranges: Ranges, rates: Rates) -> np.ndarray:
        low, high, currency = self.prices.rows.T
        met = currency != UNSTATED
        met &= ~np.isnan(self.rates_by_place(rates))[currency]
        if ranges.price.low is not None:
            met &= high >= self._bounds(ranges.price.low, ranges.currency, rates)[currency]
        if ranges.price.high is not None:
            met &= low <= self._bounds(ranges.price.high, ranges.currency, rates)[currency]
        return met

    def _plans_meeting(self, sessions: Range) -> np.ndarray:
        low, high, _fee = self.plans.rows.T
        met = low != UNSTATED
        if sessions.low is not None:
            met &= high >= sessions.low
        if sessions.high is not None:
            met &= low <= sessions.high
        return met

    def _with_course_met(self, column: Column, clinics: BitMap, ranges, rates) -> BitMap:
        both = column.plans.clinics & column.prices.clinics & clinics
        numbers, plans = column.plans.of(both)
        _numbers, prices = column.prices.of(both)
        return bitmap_of(numbers.compress(self._courses_meeting(ranges, rates, prices, plans)))

    def _courses_meeting(self, ranges: Ranges, rates: Rates, prices, plans) -> np.ndarray:
        low, high, currency = (values[prices] for values in self.prices.rows.T)
        fewest, most, fee = (values[plans] for values in self.plans.rows.T)
        fee = np.maximum(fee, 0)
        met = ~np.isnan(self.rates_by_place(rates))[currency]
        if ranges.course.low is not None:
            bounds = self._bounds(ranges.course.low, ranges.currency, rates)
            met &= high * most + fee >= bounds[currency]
        if ranges.course.high is not None:
            bounds = self._bounds(ranges.course.high, ranges.currency, rates)
            met &= low * fewest + fee <= bounds[currency]
        return met

    def band_new_prices(self, rates: Rates) -> None:
        """Give each price that has none yet a band: neighbours in euro at these rates.

        Bands only save work: which prices of a band meet a range is asked of the prices.
        """
        euro = self.lowest_in_euro(rates)
        new = _bands_of(euro[len(self.band_of_code) :])
        self.band_of_code = np.concatenate([self.band_of_code, new])

    def rates_by_place(self, rates: Rates) -> np.ndarray:
        """Units for one euro by the currency's place; NaN without a rate, and last of all."""
        known = [float(rates.per_euro.get(code, "nan")) for code in self.currencies]
        return np.array([*known, np.nan])

    def _bounds(self, amount: Decimal, currency: str, rates: Rates) -> np.ndarray:
        """The amount in hundredths of each currency; NaN, which nothing meets, without rate."""
        euro = rates.to_euro(Decimal(amount), currency)
        if euro is None:
            return np.full(len(self.currencies) + 1, np.nan)
        bounds = [
            float(euro * rates.per_euro[code] * 100) if code in rates.per_euro else np.nan
            for code in self.currencies
        ]
        return np.array([*bounds, np.nan])

    def whole_prices(self, rates: Rates, currency: str) -> tuple[np.ndarray, np.ndarray]:
        """Every lowest price in whole units of a currency that has a rate, rising; and for each
        price code the place of its own among them, or one beyond for none."""
        euro = self.lowest_in_euro(rates)
        held = self._whole.get(currency)
        if held is None or held[0] is not euro:
            is_known = np.isfinite(euro)
            is_known[NOTHING] = False
            whole = np.rint(euro[is_known] * float(rates.per_euro[currency])).astype(np.int64)
            prices, places = np.unique(whole, return_inverse=True)
            place_of_code = _narrowest(np.full(len(euro), len(prices)))
            place_of_code[is_known] = places
            held = self._whole[currency] = euro, prices, place_of_code
        return held[1:]

    def lowest_in_euro(self, rates: Rates) -> np.ndarray:
        """For each price code its lowest price in euro; infinite where it cannot be compared."""
        if self._euro is None or self._euro[0] is not rates:
            low, _high, currency = self.prices.rows.T
            # Rounded, so that equal prices in two currencies are equal.
            euro = np.round(low / 100 / self.rates_by_place(rates)[currency], 6)
            self._euro = rates, np.where(np.isnan(euro), np.inf, euro)
        return self._euro[1]


def _add_own_options(column: Column, found: list[np.ndarray], clinics: np.ndarray) -> None:
    """Add options that stand in the offer's own row; `found` are their key numbers by facet."""
    for facet, numbers in zip((f for f in OFFER_FACETS if f.key_number), found, strict=True):
        options = column.options.setdefault(facet.name, {})
        for number, key in enumerate(facet.keys):
            there = clinics[numbers == number]
            if len(there):
                options.setdefault(key, BitMap()).update(bitmap_of(there))


def _bands_of(euro: np.ndarray) -> np.ndarray:
    bands = np.searchsorted(BAND_EDGES, euro, side="right")
    return np.where(np.isinf(euro), _UNRATED, bands).astype(np.uint8)


def _nth_of_equals(clinics: np.ndarray, treatments: np.ndarray) -> np.ndarray:
    """For rows sorted by both: which of the equal rows each is, from 0."""
    new = np.ones(len(clinics), bool)
    new[1:] = (clinics[1:] != clinics[:-1]) | (treatments[1:] != treatments[:-1])
    starts = np.flatnonzero(new)
    return np.arange(len(clinics)) - np.repeat(starts, np.diff([*starts, len(clinics)]))
