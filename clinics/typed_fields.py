"""Fields of the filter panel that a visitor types into: words, money, numbers of sessions."""

from dataclasses import dataclass
from decimal import Decimal

import django_filters
from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

MAX_WORDS_LENGTH = 100
MAX_PRICE = Decimal(10**9)
MAX_SESSIONS = 99
# Letters of a number that are read, and shown again in its field.
MAX_NUMBER_LENGTH = 20


class SharedField:
    """A field that keeps nothing of a request, so that all forms can use the same one."""

    def __deepcopy__(self, memo):
        return self


class WordsField(SharedField, forms.CharField):
    """Words without control characters, parted by one space each; what is too long is cut off."""

    def to_python(self, value) -> str:
        text = super().to_python(value) or ""
        # PostgreSQL refuses NUL, and a lone surrogate cannot be encoded at all.
        text = "".join(letter for letter in text if letter.isprintable())
        return " ".join(text[:MAX_WORDS_LENGTH].split())


class WordsFilter(django_filters.Filter):
    field_class = WordsField


class PriceField(SharedField, forms.DecimalField):
    """An amount of money, from 0 up, written as people write it: "1 200", "1,200", "99,5"."""

    default_error_messages = {"invalid": _("Write a number, such as 120.")}

    def __init__(self, **options):
        super().__init__(**{**options, "min_value": 0, "max_value": MAX_PRICE, "decimal_places": 2})

    def to_python(self, value):
        text = "".join(str(value or "").split())
        if len(text) > MAX_NUMBER_LENGTH:
            raise ValidationError(self.error_messages["invalid"], code="invalid")
        # A comma before one or two digits is a decimal comma; before three, a separator.
        if "," in text:
            tail = text.rsplit(",", 1)[1]
            text = text.replace(",", "" if len(tail) == 3 else ".")
        return super().to_python(text)


class PriceFilter(django_filters.Filter):
    field_class = PriceField


class SessionsField(SharedField, forms.IntegerField):
    """A number of sessions, from 1 to MAX_SESSIONS. Whatever else stands there has one message."""

    def __init__(self, **options):
        super().__init__(**{**options, "min_value": 1, "max_value": MAX_SESSIONS})

    def clean(self, value) -> int | None:
        try:
            return super().clean(value)
        except ValidationError as error:
            raise ValidationError(
                _("Write a whole number from 1 to %(most)s."), params={"most": MAX_SESSIONS}
            ) from error


class SessionsFilter(django_filters.Filter):
    field_class = SessionsField


@dataclass(frozen=True)
class TypedNumber:
    """One end of a range as it was typed, valid or not. `is_refused`: it was not applied."""

    name: str
    text: str
    is_refused: bool


@dataclass(frozen=True)
class TypedRange:
    """Two fields, from and to, with the reasons why one or both were not applied."""

    name: str
    label: str
    low: TypedNumber
    high: TypedNumber
    problems: tuple[str, ...]

    @property
    def is_filled(self) -> bool:
        return bool(self.low.text or self.high.text)

    @property
    def refused_field(self) -> str:
        """The name of the first field that was not applied; "" when all was."""
        return next((end.name for end in (self.low, self.high) if end.is_refused), "")


@dataclass(frozen=True)
class FieldProblem:
    """Something typed that was not applied: in which field of the page, and why."""

    field: str
    label: str
    message: str
