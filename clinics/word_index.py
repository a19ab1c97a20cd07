"""Words to clinics: which clinics have a name, or a person's name, with a word that starts so.

Words of places and treatments stand in the vocabulary; here are only the words of single
listings. The words read at the start never change: a clinic that changes moves over to a
second, small set of words, so that one edit does not cost a walk through all words.
"""

from bisect import bisect_left, insort
from functools import lru_cache
from itertools import chain

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
        # By clinic that moved: its words among the later ones.
        self._words_of: dict[int, set[str]] = {}
        self._holders_at_first = lru_cache(_PREFIXES_KEPT)(self._first.holders)

    def build(self, clinics: np.ndarray, names: list[str]) -> None:
        """Start from the numbers of clinics, and beside each a name of it."""
        # Part by part, because few parts make up many names. They are split twice, because so
        # many lists at once would keep the garbage collector busy.
        lengths = np.fromiter((len(name.split()) for name in names), np.intp, len(names))
        parts = list(chain.from_iterable(map(str.split, names)))
        number_of: dict[str, int] = {}
        starts = {
            part: [number_of.setdefault(word, len(number_of)) for word in sorted(word_starts(part))]
            for part in dict.fromkeys(parts)
        }
        found = [starts[part] for part in parts]
        words = np.fromiter(chain.from_iterable(found), np.uint32)
        counts = np.fromiter(map(len, found), np.intp, len(found))
        holders = grouped(words, np.repeat(np.repeat(clinics, lengths), counts))
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
        self._later, self._moved, self._words_of = _Words(), BitMap(), {}
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

    def replace(self, clinics: BitMap, numbers: np.ndarray, names: list[str]) -> None:
        """Forget the words of `clinics`; take those of `names`, `numbers` saying whose."""
        self._moved |= clinics
        later = self._later
        for clinic in clinics:
            for word in self._words_of.pop(clinic, ()):
                later.clinics[word].discard(clinic)
                if not later.clinics[word]:
                    del later.clinics[word]
                    del later.sorted[bisect_left(later.sorted, word)]
        for clinic, name in zip(numbers.tolist(), names, strict=True):
            for word in word_starts(name):
                if word not in later.clinics:
                    later.clinics[word] = BitMap()
                    insort(later.sorted, word)
                later.clinics[word].add(clinic)
                self._words_of.setdefault(clinic, set()).add(word)

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
