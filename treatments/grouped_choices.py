"""Boxes to tick that are announced as one question, whose help is read once."""


class GroupedChoices:
    """For a ModelAdmin: a field of several boxes says that it is one; see fieldset.html.

    Django's links beside a field hide what the field is, and each of the boxes would be read
    with all of the help.
    """

    def formfield_for_dbfield(self, db_field, request, **kwargs):
        """The field, with the word of the widget inside on whether it is a group."""
        formfield = super().formfield_for_dbfield(db_field, request, **kwargs)
        within = getattr(getattr(formfield, "widget", None), "widget", None)
        if within is not None:
            formfield.widget.use_fieldset = within.use_fieldset
        return formfield
