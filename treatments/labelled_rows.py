"""Names for the fields of rows in a table: Django writes them into the head only."""


class LabelledRows:
    """For a TabularInline: each field has its column's name for those who cannot see the head."""

    def get_formset(self, request, obj=None, **kwargs):
        """The formset of the inline, whose forms name their fields."""
        formset = super().get_formset(request, obj, **kwargs)

        class WithNames(formset):
            def add_fields(self, form, index):
                super().add_fields(form, index)
                for field in form.fields.values():
                    # A field with links beside it wraps the widget that is the field.
                    widget = getattr(field.widget, "widget", field.widget)
                    widget.attrs.setdefault("aria-label", field.label)

        return WithNames
