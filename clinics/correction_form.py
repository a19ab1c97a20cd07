"""The form with which a reader says that something in a listing is wrong."""

from django import forms
from django.utils.translation import gettext_lazy as _

from treatments.sealed_form import ReadableField, SealedForm, names_a_way_to_reach

from .models import Correction


class CorrectionForm(SealedForm):
    """What is wrong with the listing of one clinic. A refused form keeps what was written."""

    sending_fields = ("what", "words")

    what = forms.ChoiceField(
        label=_("What is wrong?"),
        choices=Correction.What.choices,
        widget=forms.RadioSelect,
        error_messages={
            "required": _("Choose what is wrong."),
            "invalid_choice": _("Choose one of these."),
        },
    )
    words = ReadableField(
        label=_("What would be right, and how do you know?"),
        min_length=5,
        max_length=Correction.MOST_LETTERS,
        help_text=_(
            "One or two sentences. Please write nothing about your health, your treatment or who "
            "you are: the clinic reads this."
        ),
        widget=forms.Textarea(attrs={"rows": 4, "autocomplete": "off"}),
        error_messages={
            "required": _("Say in a few words what is wrong."),
            "min_length": _("Write a little more, so that somebody can look it up."),
            "max_length": _("Make it shorter: %(show_value)d letters, and %(limit_value)d fit."),
        },
    )

    def __init__(self, clinic, sent=None, *, comes_from_us: bool = True):
        """A fresh form, or with `sent` the one that somebody sent."""
        super().__init__(f"clinics.correction.{clinic.pk}", sent, comes_from_us=comes_from_us)

    def clean(self):
        """Refuse an address or a number where none is wrong: it would be the reader's own."""
        cleaned = super().clean()
        is_about_contact = cleaned.get("what") == Correction.What.CONTACT
        if not is_about_contact and names_a_way_to_reach(cleaned.get("words", "")):
            self.add_error(
                "words",
                _(
                    "Take out the e-mail address or telephone number: nobody writes back. If the "
                    "clinic’s own is wrong, choose “%(contact)s” above."
                )
                % {"contact": Correction.What.CONTACT.label},
            )
        return cleaned
