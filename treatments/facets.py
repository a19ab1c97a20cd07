"""Facets as values: what a filter panel, its chips and its links are made of.

No request, no query, no HTML. A query string travels as a list of
(parameter, value) pairs, so that repeated parameters keep their order.
"""

from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import urlencode

from django.utils.functional import cached_property

Pairs = list[tuple[str, str]]


class Option(NamedTuple):
    """One choice of a facet and how many results it gives.

    `count` is the number of results when this is the only choice of its facet and
    every other facet keeps its choices.
    """

    value: str
    label: str
    count: int
    is_selected: bool = False
    note: str = ""

    @property
    def is_empty(self) -> bool:
        """Whether choosing it would find nothing. A chosen option is not called empty."""
        return not self.count and not self.is_selected


@dataclass(frozen=True)
class Facet:
    """One group of choices; within it they mean "any of these".

    `shown` options stand open in the panel, `folded` ones behind "show all";
    a chosen option is never folded away, and none changes its place when chosen.
    """

    name: str
    label: str
    options: tuple[Option, ...]
    shown_limit: int = 6
    hint: str = ""

    @property
    def selected(self) -> tuple[Option, ...]:
        return tuple(option for option in self.options if option.is_selected)

    @property
    def shown(self) -> tuple[Option, ...]:
        """The first options that would give something, and every chosen one."""
        return self._parted[0]

    @property
    def folded(self) -> tuple[Option, ...]:
        """The options that are not shown."""
        return self._parted[1]

    @cached_property
    def _parted(self) -> tuple[tuple[Option, ...], tuple[Option, ...]]:
        if len(self.options) <= self.shown_limit + 1:
            return self.options, ()
        shown, folded, left = [], [], self.shown_limit
        for option in self.options:
            is_among_first = left > 0 and option.count > 0
            left -= is_among_first
            (shown if is_among_first or option.is_selected else folded).append(option)
        return tuple(shown), tuple(folded)


@dataclass(frozen=True)
class AppliedFilter:
    """A filter in force, what it says, and the query string that removes it.

    `key` is `parameter=value`. `remove_query` starts with "?"; it keeps everything
    else but the page number.
    """

    key: str
    facet_label: str
    label: str
    remove_query: str


@dataclass(frozen=True)
class WayOut:
    """With no results: a filter to drop, and how many results come back without it."""

    applied: AppliedFilter
    total: int


def inside_a_sentence(label: str) -> str:
    """The label with a small first letter, unless it starts with an abbreviation."""
    return label if label[1:2].isupper() else label[0].lower() + label[1:]


def query_string(pairs: Pairs) -> str:
    """The pairs as a query string with its question mark; "?" alone when there are none."""
    return "?" + urlencode(pairs)


def without(pairs: Pairs, *removed: tuple[str, str | None]) -> Pairs:
    """The pairs without the removed ones, and without the page number.

    A removed pair whose value is None takes away every value of that parameter.
    """
    gone = set(removed)
    return [
        (name, value)
        for name, value in pairs
        if name != "page" and (name, value) not in gone and (name, None) not in gone
    ]
