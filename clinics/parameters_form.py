"""The form behind the directory's filters: it looks only at what an address names."""

import copy
from functools import cache

from django.core.exceptions import ValidationError
from django.forms import Field, Form
from django.http import QueryDict


class SharedFields(dict):
    """Fields of a class of forms, which a form takes as they are: Django copies each of them."""

    def __deepcopy__(self, memo):
        return dict(self)


class ParametersForm(Form):
    """Two dozen parameters, of which an address names a few, or none.

    A field that is named is copied for this form, so that it may keep something of the request.
    All others are everybody's, and have what they make of nothing: that is worked out once.
    """

    def __init__(self, data: QueryDict, **options):
        super().__init__(data, **options)
        self.named = [name for name in self.fields if name in data]
        for name in self.named:
            self.fields[name] = copy.deepcopy(self.fields[name])

    def _clean_fields(self):
        self.cleaned_data = dict(_of_nothing(type(self)))
        for name in self.named:
            field = self.fields[name]
            value = field.widget.value_from_datadict(self.data, self.files, name)
            try:
                self.cleaned_data[name] = field.clean(value)
            except ValidationError as error:
                self.add_error(name, error)


def parameters_form(name: str, fields: dict[str, Field]) -> type[ParametersForm]:
    """A class of forms with these fields, none of which may be required."""
    made = type(name, (ParametersForm,), {})
    made.base_fields = SharedFields(fields)
    return made


@cache
def _of_nothing(form: type[ParametersForm]) -> dict[str, object]:
    """What an address without any parameter comes to."""
    return {
        name: field.clean(field.widget.value_from_datadict(QueryDict(), {}, name))
        for name, field in form.base_fields.items()
    }
