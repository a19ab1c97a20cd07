"""django-filter fields for facets: several known options, the unknown ones named."""

from dataclasses import dataclass

import django_filters
from django import forms

MAX_CHOICES = 30  # of one facet; more is no longer a question a person asks

# The options of a facet: the value in the query string, and its label.
Choices = dict[str, str]


class KnownOptionsField(forms.Field):
    """Several values, of which the unknown ones are set aside and remembered.

    An unknown value must neither empty the field, which would widen the results in
    silence, nor raise, which would hide them.
    """

    widget = forms.MultipleHiddenInput

    def __init__(self, *args, **options):
        super().__init__(*args, **{**options, "required": False})
        self.choices: Choices = {}
        self.unknown: list[str] = []

    def clean(self, value) -> tuple[str, ...]:
        asked = list(dict.fromkeys(item for item in value or [] if item))
        known = [item for item in asked if item in self.choices]
        self.unknown = [item for item in asked if item not in self.choices]
        self.unknown += known[MAX_CHOICES:]
        return tuple(known[:MAX_CHOICES])


class OptionsFilter(django_filters.Filter):
    """A facet: any of several known options."""

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
