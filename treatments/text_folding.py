"""One spelling for search: what a visitor types and what we store meet here.

Accents, case, width and the Latin letters that Unicode does not treat as
accented (dotless i, l with stroke, sharp s ...) are folded, so that "acibadem"
finds "Acıbadem" and "lodz" finds "Łódź" on every database alike.
"""

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

from django.db import models

# Letters that have no decomposition into a base letter and an accent.
_LETTERS = str.maketrans(
    {
        "ı": "i",
        "ł": "l",
        "ø": "o",
        "đ": "d",
        "ð": "d",
        "þ": "th",
        "ß": "ss",
        "æ": "ae",
        "œ": "oe",
        "ħ": "h",
    }
)
_NOT_WORD = re.compile(r"[\W_]+")
# Scripts that write words without a space between them: Thai, Lao, Burmese, Khmer, kana, Han.
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
    "\U00020000-\U0003ffff]"
)


def fold(text: str) -> str:
    """Return `text` in search spelling: lower case, no accents, words parted by one space."""
    if text.isascii():
        return _NOT_WORD.sub(" ", text.lower()).strip()
    text = unicodedata.normalize("NFKD", text.casefold()).translate(_LETTERS)
    letters = [letter for letter in text if not unicodedata.combining(letter)]
    # Vowel signs of Indic and South-East Asian scripts are marks, yet part of the word.
    return " ".join("".join(c if _is_of_a_word(c) else " " for c in letters).split())


def fold_each(texts: Iterable[str]) -> list[str]:
    """`fold` of each text, quicker for many: a word that comes again is not folded again."""
    folded = lru_cache(100_000)(fold)
    return [" ".join(filter(None, map(folded, text.split()))) for text in texts]


def _is_of_a_word(letter: str) -> bool:
    return letter.isalnum() or unicodedata.category(letter)[0] == "M"


def word_starts(text: str) -> set[str]:
    """Every string with which a search for a part of `text` may begin, in search spelling.

    The words of the text; and where a script writes without spaces, each of its letters
    begins a word, because only a dictionary could tell which do.
    """
    words = set(fold(text).split())
    for word in list(words):
        if not word.isascii():
            words |= {word[found.start() :] for found in _UNSPACED.finditer(word)}
    return words


class FoldedField(models.TextField):
    """A column that holds another column's text in search spelling, kept on every save.

    The stored value starts with a space, so that `contains " mes"` matches the
    start of any word and only that. `QuerySet.update()` of the source column
    does not refresh it; save the object instead.
    """

    def __init__(self, source: str, **options):
        self.source = source
        super().__init__(**{"editable": False, "default": "", "blank": True, **options})

    def deconstruct(self):
        name, path, args, kwargs = super().deconstruct()
        return name, path, args, {**kwargs, "source": self.source}

    def pre_save(self, model_instance, add):
        value = f" {fold(getattr(model_instance, self.source))}"
        setattr(model_instance, self.attname, value)
        return value
