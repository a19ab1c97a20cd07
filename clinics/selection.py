"""What a visitor asks of the directory, and what the answer holds. Values only."""

from collections.abc import Hashable
from dataclasses import dataclass, field, replace
from decimal import Decimal

from treatments.text_folding import fold

from .ranking import DEFAULT_SORT

PER_PAGE = 24
# Words of a search that count. One letter can fold into many words, and each costs work, so
# the limit holds after folding.
MAX_WORDS = 8


def searched_words(words: str) -> tuple[list[str], list[str]]:
    """The words in search spelling that count, and those beyond the limit, which do not."""
    folded = fold(words).split()
    return folded[:MAX_WORDS], folded[MAX_WORDS:]


def last_page(total: int) -> int:
    """The number of the last page; 1 when there is nothing."""
    return max(1, -(-total // PER_PAGE))


@dataclass(frozen=True)
class Point:
    """A place on Earth, in degrees."""

    latitude: float
    longitude: float


@dataclass(frozen=True)
class Selection:
    """What a visitor asked for, already valid: known option values and sensible numbers.

    `chosen` maps a facet to its chosen option values; within a facet they mean "any of
    these", but for treatments with `all_treatments`, where they mean "all of these".
    `price_*` are for one session and `course_*` for a whole course, in `currency`; a range
    is met when it overlaps the clinic's. `radius_km` counts from `near` and means nothing
    without it.
    """

    words: str = ""
    chosen: dict[str, tuple[str, ...]] = field(default_factory=dict)
    all_treatments: bool = False
    price_min: Decimal | None = None
    price_max: Decimal | None = None
    course_min: Decimal | None = None
    course_max: Decimal | None = None
    currency: str = "EUR"
    sessions_min: int | None = None
    sessions_max: int | None = None
    near: Point | None = None
    radius_km: int | None = None
    sort: str = DEFAULT_SORT

    def without(self, facet: str) -> "Selection":
        """The same selection with one facet's choices left out."""
        return replace(
            self, chosen={name: values for name, values in self.chosen.items() if name != facet}
        )

    def dropping(self, parameter: str, value: str) -> "Selection":
        """The same selection with one applied filter taken away."""
        if parameter == "q":
            return replace(self, words="")
        if parameter == "near":
            return replace(self, near=None, radius_km=None)
        if parameter == "treatment_match":
            return replace(self, all_treatments=False)
        if parameter.endswith(("_min", "_max")):
            return replace(self, **{parameter: None})
        kept = tuple(v for v in self.chosen.get(parameter, ()) if v != value)
        return replace(self, chosen=self.without(parameter).chosen | {parameter: kept})

    @property
    def has_price(self) -> bool:
        return self.price_min is not None or self.price_max is not None


@dataclass(frozen=True)
class Answer:
    """The answer to a selection.

    `page` is the page that `ids` stand on: the one asked for, or the last when it is
    beyond the end. `ids` are the clinics of that page, in order, and `matching_offers`
    the offers of each that made it match, empty where nothing was asked of an offer; an
    offer is named by (primary key of the treatment, which of the clinic's offers of that
    treatment by primary key, from 0). `counts` maps each facet to {option value: number of
    clinics}; an option that is missing counts 0.
    `versions` has a value for each of `ids` that changes with anything a page prints of it.
    `kilometres` is how far each of `ids` is from the place that distances count from, empty
    without one; a clinic without coordinates of its own counts as in the centre of its town.
    """

    total: int
    page: int
    ids: tuple[int, ...]
    matching_offers: dict[int, tuple[tuple[int, int], ...]]
    counts: dict[str, dict[str, int]]
    versions: dict[int, Hashable] = field(default_factory=dict)
    kilometres: dict[int, float] = field(default_factory=dict)


@dataclass(frozen=True)
class DidYouMean:
    """Words one letter away from those typed, and how many clinics they find."""

    words: str
    total: int


@dataclass(frozen=True)
class Suggestion:
    """One line under the search box while typing.

    `kind` is "treatment", "place", "country" or "clinic"; `slug` names the thing, `label` is
    its name, `detail` sets it apart from its namesakes: the country of a town, the town of a
    clinic.
    """

    kind: str
    slug: str
    label: str
    detail: str
    total: int


@dataclass(frozen=True)
class NamedPoint:
    """A place that a visitor named: its point, and what to call it ("" for bare numbers)."""

    point: Point
    label: str
