"""What a patient may ask, and what clinic staff may write back."""

import phonenumbers
from django import forms
from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from treatments.models import Treatment

from .enquiries import consent_words
from .models import Language

LONGEST_MESSAGE = 1500
LONGEST_ANSWER = 4000
# By the plan of Germany any two digits may be a number; nobody is called on fewer than four.
FEWEST_DIGITS = 4


class Time(TextChoices):
    """When a patient would like to come, at the clinic's own time."""

    MORNING = "morning", _("in the morning, Monday to Friday")
    AFTERNOON = "afternoon", _("in the afternoon, Monday to Friday")
    EVENING = "evening", _("in the evening")
    WEEKEND = "weekend", _("at the weekend")


class EnquiryForm(forms.Form):
    """A request to one clinic. `words()` is what is stored of it.

    Two things stop programs: a field that people do not see, and the signed key, which the view
    reads. Neither turns a person away: each says what to do, and nothing typed is lost.
    """

    name = forms.CharField(
        label=_("Your name"),
        max_length=80,
        help_text=_("A first name is enough."),
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
        error_messages={"required": _("Write a name that the clinic can call you by.")},
    )
    email = forms.EmailField(
        label=_("E-mail"),
        required=False,
        max_length=200,
        help_text=_(
            "E-mail or telephone: one is enough. When there is an answer we send a short e-mail "
            "that says so, without naming the clinic."
        ),
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
        error_messages={"invalid": _("This is no e-mail address. One looks like ana@example.org.")},
    )
    phone = forms.CharField(
        label=_("Telephone"),
        required=False,
        max_length=40,
        help_text=_("With + and the country code if you do not live in the clinic’s country."),
        widget=forms.TextInput(attrs={"type": "tel", "autocomplete": "tel"}),
    )
    treatment = forms.ModelChoiceField(
        Treatment.objects.none(),
        label=_("Treatment you want to ask about (you can leave this out)"),
        required=False,
        empty_label=_("I do not want to say, or do not know yet"),
    )
    language = forms.ModelChoiceField(
        Language.objects.none(),
        label=_("Language you would like to speak"),
        required=False,
        empty_label=_("No wish"),
    )
    time = forms.ChoiceField(
        label=_("Best time for a visit"),
        required=False,
        choices=[("", _("No wish")), *Time.choices],
    )
    message = forms.CharField(
        label=_("Your message"),
        max_length=LONGEST_MESSAGE,
        help_text=_(
            "Two or three sentences. Leave out illnesses, medicines and photos: tell them to "
            "the doctor when you meet."
        ),
        widget=forms.Textarea(attrs={"rows": 6}),
        error_messages={"required": _("Write what you would like to know.")},
    )
    is_adult = forms.BooleanField(
        label=_("I am 18 or older."),
        error_messages={
            "required": _(
                "This form is for people of 18 or older. If you are younger, speak with a parent "
                "or your doctor. Nothing was stored."
            )
        },
    )
    consent = forms.BooleanField(
        error_messages={"required": _("Without this we may not pass on what you write.")}
    )
    # Its name is one that programs like to fill in.
    website = forms.CharField(
        label=_("Leave this empty"),
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off", "tabindex": "-1"}),
    )

    def __init__(self, clinic, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.clinic = clinic
        self.fields["consent"].label = consent_words(clinic)
        self.fields["treatment"].queryset = Treatment.objects.filter(
            is_published=True, offers__clinic=clinic
        ).distinct()
        spoken = Language.objects.filter(clinics=clinic)
        self.fields["language"].queryset = spoken
        if not spoken:
            self.fields["language"].queryset = Language.objects.all()

    def clean_phone(self):
        """Take the number as written in the clinic's country, or from abroad."""
        text = self.cleaned_data["phone"].strip()
        if not text:
            return ""
        try:
            number = phonenumbers.parse(text, self.clinic.place.country.code)
        except phonenumbers.NumberParseException:
            number = None
        is_whole = (
            number is not None
            and phonenumbers.is_possible_number(number)
            and len(phonenumbers.national_significant_number(number)) >= FEWEST_DIGITS
        )
        if not is_whole:
            raise forms.ValidationError(
                _("This is no whole telephone number. With the country code: +33 1 23 45 67 89.")
            )
        return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL)

    def clean_website(self):
        """Refuse what a program filled in; a person sends it again, now with the field empty."""
        if self.cleaned_data["website"]:
            raise forms.ValidationError("")
        return ""

    def clean(self):
        """Ask for one way to answer."""
        cleaned = super().clean()
        if not {"email", "phone"} & self.errors.keys() and not (
            cleaned.get("email") or cleaned.get("phone")
        ):
            self.add_error(
                "email", _("Write an e-mail address or a telephone number: they must reach you.")
            )
        return cleaned

    @property
    def was_filled_in_by_a_program(self) -> bool:
        """Whether the field that people do not see came back with something in it."""
        return "website" in self.errors

    def words(self) -> dict:
        """What is stored, all of it sealed. Names as they are shown today."""
        cleaned = self.cleaned_data
        treatment, language = cleaned["treatment"], cleaned["language"]
        return {
            "name": cleaned["name"],
            "email": cleaned["email"],
            "phone": cleaned["phone"],
            "treatment": treatment.name if treatment else "",
            "language": language.code if language else "",
            "time": cleaned["time"],
            "message": cleaned["message"],
        }


class AdditionForm(forms.Form):
    """What a patient adds to a request."""

    text = forms.CharField(
        label=_("Add something, or write back"),
        max_length=LONGEST_MESSAGE,
        widget=forms.Textarea(attrs={"rows": 4}),
        error_messages={"required": _("There is nothing written yet.")},
    )


class AnswerForm(forms.Form):
    """An answer of the clinic to a patient."""

    text = forms.CharField(
        label=_("Your answer"),
        max_length=LONGEST_ANSWER,
        widget=forms.Textarea(attrs={"rows": 8}),
        help_text=_("The patient reads it on a private page. It is not sent by e-mail."),
        error_messages={"required": _("There is nothing written yet.")},
    )


class NoteForm(forms.Form):
    """A note for the clinic's own people."""

    note = forms.CharField(
        label=_("Note for your colleagues"),
        max_length=LONGEST_MESSAGE,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("The patient does not see it."),
        error_messages={"required": _("There is nothing written yet.")},
    )
