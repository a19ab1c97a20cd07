"""Words to clinics: which clinics have a name, or a person's name, with a word that starts so.

Words of places and treatments stand in the vocabulary; here are only the words of single
listings. The words read at the start never change: a clinic that changes moves over to a
second, small set of words, so that one edit does not cost a walk through all words.
"""

from array import array
from bisect import bisect_left, insort
from collections import defaultdict
from functools import lru_cache
from itertools import count

import numpy as np
from pyroaring import BitMap
from rapidfuzz.distance import OSA
from rapidfuzz.process import extract_iter

from treatments.text_folding import word_starts

from .bitmaps import grouped, union

# A slip of the finger is forgiven in words of this length and longer.
FORGIVING_LENGTH = 4
_PREFIXES_KEPT = 512


class _Words:
    """Words and their clinics: one number alone, or a bitmap."""

    def __init__(self):
        self.clinics: dict[str, BitMap | int] = {}
        self.sorted: list[str] = []

    def starting(self, prefix: str) -> list[str]:
        end = bisect_left(self.sorted, prefix + "\U0010ffff")
        return self.sorted[bisect_left(self.sorted, prefix) : end]

    def holders(self, prefix: str) -> BitMap:
        found = [self.clinics[word] for word in self.starting(prefix)]
        alone = BitMap([clinic for clinic in found if isinstance(clinic, int)])
        return union([*(many for many in found if not isinstance(many, int)), alone])


class WordIndex:
    """Which clinics a word finds. Clinics are numbers of the index."""

    def __init__(self):
        self._first = _Words()
        self._later = _Words()
        self._moved = BitMap()
        self._holders_at_first = lru_cache(_PREFIXES_KEPT)(self._first.holders)

    def build(self, names) -> None:
        """Start from pairs of (clinic number, name)."""
        # Word by word, because few words make up many names.
        number_of: dict[str, int] = defaultdict(count().__next__)
        starts = lru_cache(100_000)(
            lambda part: [number_of[word] for word in sorted(word_starts(part))]
        )
        words, clinics = array("I"), array("I")
        for clinic, name in names:
            for part in name.split():
                for word in starts(part):
                    words.append(word)
                    clinics.append(clinic)
        holders = grouped(np.frombuffer(words, np.uint32), np.frombuffer(clinics, np.uint32))
        self.restore(
            {
                word: found if len(found := holders[number]) > 1 else found[0]
                for word, number in number_of.items()
            }
        )

    def restore(self, clinics_of_words: dict[str, BitMap | int]) -> None:
        """Start from words and their clinics, as `all_words` gave them."""
        self._first.clinics = clinics_of_words
        self._first.sorted = sorted(clinics_of_words)
        self._later, self._moved = _Words(), BitMap()
        self._holders_at_first.cache_clear()

    @property
    def all_words(self) -> dict[str, BitMap | int]:
        """Every word with its clinics, changes included."""
        words = {}
        for word in {*self._first.clinics, *self._later.clinics}:
            holders = self._exactly(word)
            if holders:
                words[word] = holders if len(holders) > 1 else holders[0]
        return words

    def _exactly(self, word: str) -> BitMap:
        first, later = self._first.clinics.get(word), self._later.clinics.get(word)
        holders = BitMap([first]) if isinstance(first, int) else BitMap(first or ())
        return (holders - self._moved) | (later or BitMap())

    def replace(self, clinics: BitMap, names) -> None:
        """Forget the words of `clinics` and take those of these (clinic number, name) pairs."""
        self._moved |= clinics
        for word, holders in list(self._later.clinics.items()):
            holders.difference_update(clinics)
            if not holders:
                del self._later.clinics[word]
                del self._later.sorted[bisect_left(self._later.sorted, word)]
        for clinic, name in names:
            for word in word_starts(name):
                if word not in self._later.clinics:
                    self._later.clinics[word] = BitMap()
                    insort(self._later.sorted, word)
                self._later.clinics[word].add(clinic)

    def holders(self, prefix: str) -> BitMap:
        """Clinics with a word that starts with `prefix`, which is in search spelling."""
        found = self._holders_at_first(prefix) - self._moved
        return found | self._later.holders(prefix) if self._later.clinics else found

    def has(self, prefix: str) -> bool:
        """Whether any clinic has a word that starts so."""
        return bool(self.holders(prefix))

    def nearest(self, word: str, others=()) -> list[str]:
        """Words one slip away from `word`: a letter more, less, wrong, or two exchanged.

        `others` are further words to look through. Empty for words below FORGIVING_LENGTH.
        """
        if len(word) < FORGIVING_LENGTH:
            return []
        near = {
            candidate
            for words in (self._first.sorted, self._later.sorted, others)
            for candidate, _distance, _key in extract_iter(
                word, words, scorer=OSA.distance, score_cutoff=1
            )
        }
        return sorted(near - {word})
