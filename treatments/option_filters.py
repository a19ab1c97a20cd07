"""django-filter fields for facets: several known options, the unknown ones named."""

from copy import copy
from dataclasses import dataclass

import django_filters
from django import forms

MAX_CHOICES = 30  # of one facet; more is no longer a question a person asks

# The options of a facet: the value in the query string, and its label.
Choices = dict[str, str]


class KnownOptionsField(forms.Field):
    """At most `most` values, of which the unknown ones are set aside and remembered.

    An unknown value must neither empty the field, which would widen the results in
    silence, nor raise, which would hide them.
    """

    widget = forms.MultipleHiddenInput

    def __init__(self, *args, most: int = MAX_CHOICES, **options):
        super().__init__(*args, **{**options, "required": False})
        self.most = most
        self.choices: Choices = {}
        self.unknown: list[str] = []

    def __deepcopy__(self, memo) -> "KnownOptionsField":
        """A copy for one form. Nothing but `choices` and `unknown` ever differs, and both are
        set whole: copying deeper costs more than a search."""
        return copy(self)

    def clean(self, value) -> tuple[str, ...]:
        asked = list(dict.fromkeys(item for item in value or [] if item))
        known = [item for item in asked if item in self.choices]
        self.unknown = [item for item in asked if item not in self.choices]
        self.unknown += known[self.most :]
        return tuple(known[: self.most])


class OptionsFilter(django_filters.Filter):
    """A facet: any of several known options, at most `most` (by default MAX_CHOICES)."""

    field_class = KnownOptionsField


@dataclass(frozen=True)
class RefusedValue:
    """A part of the query string that was not applied, and the parameter it stood in."""

    parameter_label: str
    value: str


def refused_values(filters: django_filters.FilterSet) -> list[RefusedValue]:
    """What a validated filter set set aside because it does not know it, at most five each."""
    return [
        RefusedValue(str(filters.filters[name].label), value[:60])
        for name, field in filters.form.fields.items()
        if isinstance(field, KnownOptionsField)
        for value in field.unknown[:5]
    ]
