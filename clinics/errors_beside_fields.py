"""What a table refuses about several columns at once, said beside the field to correct.

Django says it above the form, where nobody who hears the page learns of which field it speaks.
"""

from django import forms
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError

# For each rule of a table the fields that may be wrong. It is said beside the first that is
# empty, else beside the last.
FIELDS_OF_RULES = {
    "clinic_published_has_place_and_type": ("place", "facility_type", "status"),
    "hours_open_before_close": ("closes",),
    "offer_price_range_ordered": ("price_low", "price_high"),
    "offer_price_has_currency": ("currency",),
    "offer_course_price_has_sessions": ("course_price", "course_sessions"),
    "offer_sessions_ordered": ("sessions_low", "sessions_high"),
    "check_expires_after_it_was_made": ("expires_on",),
}


class ErrorsBesideFields(forms.ModelForm):
    """A form of a row that says which field breaks a rule of the table.

    A rule about fields that the form lacks altogether is still said above it.
    """

    def _post_clean(self):
        """Ask also the rules about columns of which the form has some: Django leaves them out.

        One query for each of them, of a row that was changed.
        """
        super()._post_clean()
        if self.errors or not self.has_changed():
            return
        shown = set(self.fields)
        for rule in self._meta.model._meta.constraints:
            columns = getattr(rule, "condition", None) and rule.condition.referenced_base_fields
            if columns and columns & shown and columns - shown:
                try:
                    rule.validate(self._meta.model, self.instance)
                except ValidationError as error:
                    self.add_error(None, error)

    def full_clean(self):
        """Check as always, then move what can be moved."""
        super().full_clean()
        above = self.errors.pop(NON_FIELD_ERRORS, None)
        if above is None:
            return
        for error in above.as_data():
            self.add_error(self.field_to_correct(error), error)

    def field_to_correct(self, error) -> str | None:
        """The name of the field of this form that an error is about; None for the row as such."""
        words = [str(line) for line in error.messages]
        for rule in self._meta.model._meta.constraints:
            fields = [name for name in FIELDS_OF_RULES.get(rule.name, ()) if name in self.fields]
            if fields and words == [str(rule.get_violation_error_message())]:
                empty = [name for name in fields if self.cleaned_data.get(name) in (None, "")]
                return (empty or fields[-1:])[0]
        return None
