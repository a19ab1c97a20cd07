"""One spelling for search: what a visitor types and what we store meet here.

Accents, case, width and the Latin letters that Unicode does not treat as
accented (dotless i, l with stroke, sharp s ...) are folded, so that "acibadem"
finds "Acıbadem" and "lodz" finds "Łódź" on every database alike.
"""

import re
import unicodedata

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


def fold(text: str) -> str:
    """Return `text` in search spelling: lower case, no accents, words parted by one space."""
    text = unicodedata.normalize("NFKD", text.casefold()).translate(_LETTERS)
    text = "".join(letter for letter in text if not unicodedata.combining(letter))
    return _NOT_WORD.sub(" ", text).strip()


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
