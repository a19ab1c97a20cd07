"""Orders of all clinics, and the page of a result cut out of one without sorting the result."""

from bisect import bisect_left
from collections.abc import Callable

import numpy as np
from pyroaring import BitMap

from treatments.text_folding import fold

from .bitmaps import bitmap_of, numbers_of, places_of

# Results up to here are sorted by rank whole: it costs less than anything cleverer.
_FEW = 4096
_BUCKETS = 4096
# A first page is found by walking the order while it does not take many more steps than a
# result spread evenly would: filter and order can be at odds.
_LONGEST_WALK = 8192
_PATIENCE = 4
# What an order begins with, and how many times as long it is where that is worth keeping.
_HEAD = 8192
_MANY_HEADS = 4
# Names asked for at once to find a place in the order by name.
_LADDER = 64


class ResultOrder:
    """A fixed order of clinic numbers.

    `sequence` holds every number once. `rank` is worked out when first needed: the place of
    each number in the sequence.
    """

    def __init__(self, sequence: np.ndarray):
        self.sequence = sequence.astype(np.uint32, copy=False)
        self._rank: np.ndarray | None = None
        self._head: BitMap | None = None

    @property
    def head(self) -> BitMap:
        """The numbers that come first; none in a short order, of which they are no small part."""
        if self._head is None:
            is_long = len(self.sequence) > _HEAD * _MANY_HEADS
            self._head = bitmap_of(np.sort(self.sequence[:_HEAD])) if is_long else BitMap()
        return self._head

    @property
    def rank(self) -> np.ndarray:
        """For each number its place in the order; numbers that have none stand last."""
        if self._rank is None:
            size = int(self.sequence.max()) + 1 if len(self.sequence) else 0
            self._rank = np.full(size, len(self.sequence), np.uint32)
            self._rank[self.sequence] = np.arange(len(self.sequence), dtype=np.uint32)
        return self._rank

    def replace(self, gone: np.ndarray, new: list[int], key: Callable[[int], object]) -> None:
        """Take numbers out and put `new` ones where `key(number)` says they belong."""
        sequence = np.delete(self.sequence, places_of(gone, self.sequence))
        placed = sorted((key(number), number) for number in new)
        places = [bisect_left(sequence, wanted, key=lambda n: key(int(n))) for wanted, _ in placed]
        self.put_down(np.insert(sequence, places, [number for _key, number in placed]))

    def put_down(self, sequence: np.ndarray) -> None:
        """Go on with another sequence."""
        self.sequence = sequence.astype(np.uint32, copy=False)
        self._rank = self._head = None

    def cut(self, members: BitMap, start: int, stop: int) -> list[int]:
        """The members that stand at places `start` up to, not including, `stop` among them."""
        size = len(members)
        stop = min(stop, size)
        if start >= stop:
            return []
        expected = stop * len(self.sequence) // size
        if size > _FEW and expected * 2 < _LONGEST_WALK:
            found = self._walked(members, stop, expected * _PATIENCE + _BUCKETS)
            if found is not None:
                return found[start:stop]
        return self._selected(numbers_of(members), start, stop)

    def _walked(self, members: BitMap, stop: int, most_steps: int) -> list[int] | None:
        found: list[int] = []
        step = max(64, stop * 2)
        for begin in range(0, most_steps, step):
            found += [n for n in self.sequence[begin : begin + step].tolist() if n in members]
            if len(found) >= stop:
                return found
        return None

    def _selected(self, numbers: np.ndarray, start: int, stop: int) -> list[int]:
        ranks = self.rank.take(numbers)
        if len(ranks) > _FEW:
            ranks = ranks.astype(np.int64)
            width = len(self.sequence) // _BUCKETS + 1
            buckets = ranks // width
            up_to = np.cumsum(np.bincount(buckets))
            first = int(np.searchsorted(up_to, start, side="right"))
            last = int(np.searchsorted(up_to, stop - 1, side="right"))
            ranks = ranks.compress((buckets >= first) & (buckets <= last))
            before = int(up_to[first - 1]) if first else 0
            start, stop = start - before, stop - before
        ranks.sort()
        return self.sequence[ranks[start:stop]].tolist()


class NameOrder:
    """Changes an order by name, of which the names are not kept in memory.

    `new` are the folded names of changed clinics by primary key; `names_of(primary keys)`
    gives the names of others, which are asked for in ladders: a few dozen at a time.
    """

    def __init__(
        self,
        order: ResultOrder,
        pks: np.ndarray,
        new: dict[int, str],
        names_of: Callable[[list[int]], dict[int, str]],
    ):
        self._order, self._pks, self._names_of = order, pks, names_of
        self._names = dict(new)

    def replace(self, gone: list[int], new: list[int]) -> None:
        """Take numbers out and put others in. One that stands right already stays."""
        changing = set(gone)
        staying = {n for n in new if n in changing and self._stands_right(n, changing)}
        out = np.array([n for n in gone if n not in staying], np.uint32)
        if len(out):
            sequence = self._order.sequence
            self._order.put_down(np.delete(sequence, places_of(out, sequence)))
        for number in new:
            if number not in staying:
                place = self._place(number)
                self._order.put_down(np.insert(self._order.sequence, place, number))

    def _stands_right(self, number: int, changing: set[int]) -> bool:
        sequence = self._order.sequence
        place = int(np.flatnonzero(sequence == number)[0])
        beside = sequence[max(0, place - 1) : place + 2].tolist()
        if any(other in changing for other in beside if other != number):
            return False
        self._look_up(beside)
        return sorted(beside, key=self._key) == beside

    def _place(self, number: int) -> int:
        wanted = self._key(number)
        sequence = self._order.sequence
        low, high = 0, len(sequence)
        while high - low > _LADDER:
            steps = np.linspace(low, high - 1, _LADDER, dtype=np.int64)
            self._look_up(sequence[steps].tolist())
            for step in steps.tolist():
                if self._key(int(sequence[step])) < wanted:
                    low = step + 1
                else:
                    high = step
                    break
        self._look_up(sequence[low:high].tolist())
        while low < high and self._key(int(sequence[low])) < wanted:
            low += 1
        return low

    def _look_up(self, numbers: list[int]) -> None:
        pks = [int(self._pks[number]) for number in numbers]
        unknown = [pk for pk in pks if pk not in self._names]
        if unknown:
            names = self._names_of(unknown)
            self._names.update((pk, fold(name)) for pk, name in names.items())

    def _key(self, number: int) -> tuple[str, int]:
        pk = int(self._pks[number])
        return self._names[pk], pk
