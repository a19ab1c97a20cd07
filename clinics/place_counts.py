"""How many of some clinics stand in each town and each country, by looking at each clinic."""

from collections.abc import Hashable, Iterable

import numpy as np

from .vocabulary import Vocabulary


class PlaceTable:
    """Towns and their countries, as numpy sees them. Towns are primary keys of places."""

    def __init__(self, vocabulary: Vocabulary):
        self._codes = list(vocabulary.places_of_country)
        self._towns = {
            code: np.array(towns, np.int64) for code, towns in vocabulary.places_of_country.items()
        }
        self._country_of = np.zeros(max(vocabulary.places, default=0) + 1, np.int64)
        for number, towns in enumerate(self._towns.values()):
            self._country_of[towns] = number

    def tally(self, towns: np.ndarray) -> np.ndarray:
        """How often each town occurs: by primary key."""
        return np.bincount(towns, minlength=len(self._country_of))

    def by_country(self, tally: np.ndarray) -> dict[Hashable, int]:
        """The same by country code; those without any are missing."""
        counted = np.bincount(self._country_of, weights=tally, minlength=len(self._codes))
        pairs = zip(self._codes, counted.tolist(), strict=False)
        return {code: int(n) for code, n in pairs if n}

    def of_towns(self, tally: np.ndarray, towns: Iterable[int], countries) -> dict[int, int]:
        """The counts of some towns and of all towns of some countries; none are missing."""
        wanted = np.concatenate(
            [np.fromiter(towns, np.int64), *(self._towns[c] for c in countries if c in self._towns)]
        )
        found = wanted[tally[wanted] > 0]
        return dict(zip(found.tolist(), tally[found].tolist(), strict=True))

    def of_busiest(self, tally: np.ndarray, most: int) -> dict[int, int]:
        """The counts of the towns with the highest ones; of equals those with lower keys."""
        least = np.partition(tally, -most)[-most] if most < len(tally) else 0
        found = np.flatnonzero(tally >= max(least, 1))
        found = found[np.lexsort((found, -tally[found]))[:most]]
        return dict(zip(found.tolist(), tally[found].tolist(), strict=True))
