"""The options of a facet as bitmaps, laid out so that all of them are counted at one go."""

from collections.abc import Iterable

from pyroaring import BitMap

from .bitmaps import union
from .numbering import Filling

# A bitmap is made free of the members of others when it is so much smaller than the largest.
_SMALLER = 8
# Options with so many clinics to a container are counted as bits.
_DENSE = 600
# Below so many clinics a list is counted as quickly as bits.
_FEW = 200


class Counted:
    """Clinics that are to be counted by option: `clinics`, and `filled`, the same as bits."""

    def __init__(self, clinics: BitMap, filling: Filling):
        self.clinics = clinics
        self.filled = clinics | filling.clinics if len(clinics) > _FEW else clinics


class OptionCounts:
    """How many of some clinics have each option of a facet.

    Made of (value, bitmaps): the clinics with the option are the union of its bitmaps. Empty
    options are left out. Most options are one bitmap; what others add to their first, such as
    second offers of a treatment, stands in further layers, which few clinics reach.
    """

    def __init__(self, options: Iterable[tuple[str, list[BitMap]]], filling: Filling):
        self._dense = Layer()
        self._layers: list[Layer] = []
        self._overlapping: list[tuple[str, list[BitMap]]] = []
        for value, parts in options:
            first, *others = sorted(filter(None, parts), key=len, reverse=True) or [BitMap()]
            if any(len(other) * _SMALLER > len(first) for other in others):
                self._overlapping.append((value, [first, *others]))
            elif first:
                rest = _without_those_before(first, others)
                if len(first) > _DENSE * filling.containers:
                    self._dense.add(value, first | filling.options)
                else:
                    rest.insert(0, first)
                for depth, part in enumerate(rest):
                    if depth == len(self._layers):
                        self._layers.append(Layer())
                    self._layers[depth].add(value, part)

    def among(self, counted: Counted) -> dict[str, int]:
        """By option: how many of the clinics have it; options that none has are missing."""
        clinics = counted.clinics
        if not clinics:
            return {}
        counts = self._dense.among(counted.filled)
        for layer in self._layers:
            for value, n in layer.among(clinics).items():
                counts[value] = counts.get(value, 0) + n
        for value, parts in self._overlapping:
            if n := union(parts).intersection_cardinality(clinics):
                counts[value] = n
        return counts


class Layer:
    """At most one bitmap for each option."""

    def __init__(self):
        self.values: list[str] = []
        self.bitmaps: list[BitMap] = []

    def add(self, value: str, bitmap: BitMap) -> None:
        """Take in another option."""
        self.values.append(value)
        self.bitmaps.append(bitmap)

    def among(self, clinics: BitMap) -> dict[str, int]:
        """By option: how many of `clinics` are in its bitmap; none are missing."""
        # A call for each option is all that is left to save, so no loop of Python's own.
        sizes = map(clinics.intersection_cardinality, self.bitmaps)
        return {value: n for value, n in zip(self.values, sizes, strict=True) if n}


def _without_those_before(first: BitMap, others: list[BitMap]) -> list[BitMap]:
    """What each of `others` adds, as bitmaps without a member in common; empty ones left out."""
    seen = first.copy() if others else first
    added = []
    for other in others:
        if new := other - seen:
            added.append(new)
            seen |= new
    return added
