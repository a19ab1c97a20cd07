"""The form with which a reader asks. What shows that a person sent it is in sealed_form.py."""

from django import forms
from django.utils.translation import gettext_lazy as _

from .models import ReadersQuestion
from .sealed_form import ReadableField, SealedForm, names_a_link, names_a_way_to_reach

LEAST_LETTERS = 10
MOST_LETTERS_IN_A_NAME = 40


class QuestionForm(SealedForm):
    """A question on one treatment. A refused form keeps what was written."""

    sending_fields = ("text", "name")

    text = ReadableField(
        label=_("Your question"),
        min_length=LEAST_LETTERS,
        max_length=ReadersQuestion.MOST_LETTERS,
        help_text=_(
            "Ask about the treatment, in one or two sentences. Please leave out your medical "
            "history and anything that could tell who you are."
        ),
        widget=forms.Textarea(attrs={"rows": 5, "autocomplete": "off"}),
        error_messages={
            "required": _("Write your question here."),
            "min_length": _(
                "Write a little more, so that we understand what you would like to know."
            ),
            "max_length": _("Make it shorter: %(show_value)d letters, and %(limit_value)d fit."),
        },
    )
    name = ReadableField(
        label=_("A name to show (you can leave this empty)"),
        required=False,
        one_line=True,
        max_length=MOST_LETTERS_IN_A_NAME,
        help_text=_("It need not be your real name. Without one we write “a reader”."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        error_messages={
            "max_length": _("Make it shorter: %(show_value)d letters, and %(limit_value)d fit.")
        },
    )

    def __init__(self, treatment, sent=None, *, comes_from_us: bool = True):
        """A fresh form, or with `sent` the one that somebody sent."""
        self.treatment = treatment
        subject = f"treatments.readers-question.{treatment.slug}"
        super().__init__(subject, sent, comes_from_us=comes_from_us)

    def clean_text(self):
        """Refuse an e-mail address, a telephone number or a link: it would be read by all."""
        text = self.cleaned_data["text"]
        if names_a_way_to_reach(text):
            raise forms.ValidationError(
                _(
                    "Take out the e-mail address or telephone number. We cannot write back, and "
                    "nobody should be able to tell that you asked."
                )
            )
        if names_a_link(text):
            raise forms.ValidationError(_("Take out the link. Say in your own words what it says."))
        return text

    def clean_name(self):
        """Refuse a name that is an address."""
        name = self.cleaned_data["name"]
        if "@" in name or names_a_link(name) or names_a_way_to_reach(name):
            raise forms.ValidationError(_("Write a name here, not an address or a number."))
        return name
