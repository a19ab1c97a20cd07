"""Fields of forms in the admin where Django's own guess, or fail at what a form can be sent."""

from django import forms
from django.core.exceptions import ValidationError
from django.db import models


def could_be(field: models.Field, value) -> bool:
    """Whether a row could have this value in a column, as a database takes it. No query."""
    try:
        field.clean(value, None)
    except ValidationError:
        return False
    # PostgreSQL refuses NUL in a text.
    return "\0" not in str(value)


class _ByKey:
    """A choice of records: what can be no record's key is refused beside the field.

    Django looks for such a value in the database when it shows a form again with the chosen
    record's name only, and when several are chosen; the database then fails.
    """

    def could_be_key(self, value) -> bool:
        """Whether a record could have this key. No query."""
        meta = self.queryset.model._meta
        field = meta.get_field(self.to_field_name) if self.to_field_name else meta.pk
        return could_be(field, value)


class RecordField(_ByKey, forms.ModelChoiceField):
    """A choice of one record. It shows nothing in place of what can be no key."""

    def prepare_value(self, value):
        value = super().prepare_value(value)
        return value if value in self.empty_values or self.could_be_key(value) else None


class RecordsField(_ByKey, forms.ModelMultipleChoiceField):
    """A choice of several records."""

    def prepare_value(self, value):
        value = super().prepare_value(value)
        if not isinstance(value, list):
            return value
        return [key for key in value if self.could_be_key(key)]

    def clean(self, value):
        for key in value if isinstance(value, list | tuple) else ():
            if not self.could_be_key(key):
                raise ValidationError(
                    self.error_messages["invalid_pk_value"],
                    code="invalid_pk_value",
                    params={"pk": key},
                )
        return super().clean(value)


# For `formfield_overrides`.
FORM_FIELDS = {
    # The form field of Django 5.2 would take a bare "example.org" for http.
    models.URLField: {"assume_scheme": "https"},
    models.ForeignKey: {"form_class": RecordField},
    models.ManyToManyField: {"form_class": RecordsField},
}
