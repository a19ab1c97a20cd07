"""How many of some clinics stand in each town and each country.

Clinics are numbered by country and town, so that those of one place are a run of numbers:
counting them is finding where the run begins and ends. The few that moved or came later stand
elsewhere and are counted one by one.
"""

import numpy as np

from .vocabulary import Vocabulary

# Where a run stands that has no clinic: beyond every number.
_NOWHERE = 2**32 - 1
# Up to so many clinics looking at each costs less than looking for every run.
_FEW = 4096


class PlaceRuns:
    """For each place the longest run of numbers that are its clinics, and the strays outside.

    `places` has the place of each clinic number, a whole number, negative where no clinic
    stands; `size` is above every place.
    """

    def __init__(self, places: np.ndarray, size: int):
        numbers = np.flatnonzero(places >= 0)
        found = places[numbers]
        first = np.flatnonzero(np.diff(found, prepend=-1))
        lengths = np.diff(first, append=len(found))
        longest = np.lexsort((lengths, found[first]))
        # Of equal places the last one stays, which is the longest.
        start_of = np.full(size, _NOWHERE, np.int64)
        start_of[found[first[longest]]] = numbers[first[longest]]
        order = np.argsort(start_of, kind="stable")
        self._position = np.argsort(order)
        # One more than places: where the last run ends.
        self._starts = np.append(start_of[order], _NOWHERE).astype(np.uint32)
        # What stands before the first run counts as its own until it is found to be a stray.
        self._starts[0] = 0
        self._strays = np.empty(0, np.int64)
        self._here = self._own = self._strays
        self.take(numbers, found)

    def take(self, numbers: np.ndarray, places: np.ndarray) -> None:
        """Know that these clinics (rising) are now at `places`."""
        here = self._starts.searchsorted(numbers.astype(np.uint32), side="right") - 1
        own = self._position[places]
        away = here != own
        kept = ~np.isin(self._strays, numbers)
        strays = np.concatenate([self._strays[kept], numbers[away]])
        order = np.argsort(strays)
        self._strays = strays[order].astype(np.uint32)
        self._here = np.concatenate([self._here[kept], here[away]])[order]
        self._own = np.concatenate([self._own[kept], own[away]])[order]

    def counts(self, numbers: np.ndarray) -> np.ndarray:
        """How many of these clinics (rising) each place has, by place."""
        at = numbers.searchsorted(self._starts)
        counted = at[1:] - at[:-1]
        self._shift(counted, numbers)
        return counted[self._position]

    def counts_of(self, places: np.ndarray, numbers: np.ndarray) -> np.ndarray:
        """How many of these clinics (rising) each of `places` has, in their order."""
        if len(self._strays):
            return self.counts(numbers)[places]
        at = self._position[places]
        return numbers.searchsorted(self._starts[at + 1]) - numbers.searchsorted(self._starts[at])

    def _shift(self, counted: np.ndarray, numbers: np.ndarray) -> None:
        """Count strays among the clinics where they are; `counted` is in the order of runs."""
        if len(self._strays) and len(numbers):
            at = np.minimum(numbers.searchsorted(self._strays), len(numbers) - 1)
            there = numbers[at] == self._strays
            np.subtract.at(counted, self._here[there], 1)
            np.add.at(counted, self._own[there], 1)


class PlaceTable:
    """The towns and countries of the vocabulary, ready for counting clinics.

    `towns` has the primary key of the town of each clinic number, negative for none. What is
    asked for and given are the options' values.
    """

    def __init__(self, vocabulary: Vocabulary, towns: np.ndarray):
        in_countries = vocabulary.places_of_country
        self._country_values = [vocabulary.values["country"][code] for code in in_countries]
        self._town_values = vocabulary.values["city"]
        self._towns = {
            value: np.array(found, np.int64)
            for value, found in zip(self._country_values, in_countries.values(), strict=True)
        }
        self._country_of = np.zeros(max(vocabulary.places, default=0) + 1, np.int32)
        for number, found in enumerate(self._towns.values()):
            self._country_of[found] = number
        self._by_town = PlaceRuns(towns, len(self._country_of))
        self._by_country = PlaceRuns(self._countries_of(towns), len(in_countries))

    def _countries_of(self, towns: np.ndarray) -> np.ndarray:
        return np.where(towns >= 0, self._country_of[towns], -1)

    def take(self, numbers: np.ndarray, towns: np.ndarray) -> None:
        """Know that these clinics (rising) are now in `towns`."""
        self._by_town.take(numbers, towns)
        self._by_country.take(numbers, self._countries_of(towns))

    def of_countries(self, numbers: np.ndarray) -> dict[str, int]:
        """How many of these clinics (rising) stand in each country; those without are missing."""
        counted = self._by_country.counts(numbers).tolist()
        return {value: n for value, n in zip(self._country_values, counted, strict=True) if n}

    def of_towns(self, numbers: np.ndarray, towns: list[int], countries) -> dict[str, int]:
        """The same for some towns (primary keys) and for all towns of some countries."""
        lists = [self._towns[value] for value in countries if value in self._towns]
        if towns:
            lists.append(np.array(towns))
        if not lists:
            return {}
        wanted = lists[0] if len(lists) == 1 else np.concatenate(lists)
        return self._found(wanted, self._by_town.counts_of(wanted, numbers))

    def of_busiest(self, numbers: np.ndarray, towns: np.ndarray, most: int) -> dict[str, int]:
        """The same for the towns with the highest counts; of equals those with lower keys.

        `towns` has the town of each clinic number.
        """
        if len(numbers) > _FEW:
            counted = self._by_town.counts(numbers)
        else:
            counted = np.bincount(towns[numbers])
        found = counted.nonzero()[0]
        if len(found) > most:
            least = np.partition(counted[found], -most)[-most]
            found = (counted >= least).nonzero()[0]
            found = found[np.lexsort((found, -counted[found]))[:most]]
        return self._found(found, counted[found])

    def _found(self, towns: np.ndarray, counted: np.ndarray) -> dict[str, int]:
        there = counted.nonzero()[0]
        values = map(self._town_values.__getitem__, towns[there].tolist())
        return dict(zip(values, counted[there].tolist(), strict=True))
