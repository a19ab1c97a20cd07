"""The forms with which a listing is edited: what they refuse, and what they change in passing.

Who may use them, and for which clinic, is not asked here; see clinics/admin.py.
"""

from itertools import pairwise

import phonenumbers
from django import forms
from django.contrib.auth import get_user_model
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from treatments.wording import flags_in, reasons

from .concurrent_edits import ComparedForm, ComparedRows
from .evidence_files import RefusedFile, examine, keep
from .models import Check, Photo, Practitioner

# What a price date is about. A first consultation is apart: a new fee for it says nothing
# about the price of a session.
PRICE_FIELDS = frozenset(
    ["price_low", "price_high", "currency", "unit", "course_price", "course_sessions"]
)
# What an editor looks up in a register. A checked person must not become another one.
IDENTITY_FIELDS = ["name", "profession", "registration_body", "registration_number"]


def international_number(text: str) -> str:
    """A telephone number as written from abroad; "" for none.

    Raises ValidationError for what cannot be a number, or has no country code.
    """
    text = text.strip()
    if not text:
        return ""
    try:
        number = phonenumbers.parse(text)
    except phonenumbers.NumberParseException:
        number = None
    if number is None or not phonenumbers.is_possible_number(number):
        raise forms.ValidationError(
            _("Write the whole number with + and the country code, such as +33 1 23 45 67 89.")
        )
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL)


class SellersWordsForm(ComparedForm):
    """A form whose texts a seller wrote; see treatments/wording.py.

    A seller has no source to cite, so flagged words must be written another way. A text that
    was stored before is let be until it is changed.
    """

    sellers_words: tuple[str, ...] = ()
    # Of these, the name of a medicine is a fact that patients need; whoever reviews it sees it
    # flagged.
    may_name_medicines: tuple[str, ...] = ()

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        for name in self.sellers_words:
            if name in self.fields:
                # For static/js/wording.js, which says the same while somebody types.
                self.fields[name].widget.attrs["data-wording"] = ""

    def clean(self):
        """Say beside each changed text which words cannot stay, and why."""
        cleaned = super().clean()
        for name in self.sellers_words:
            flags = flags_in(cleaned.get(name) or "") if name in self.changed_data else []
            if name in self.may_name_medicines:
                flags = [flag for flag in flags if flag.rule.code != "prescription"]
            if flags:
                self.add_error(
                    name, [*reasons(flags), _("Please write it another way: this is a listing.")]
                )
        return cleaned


class ClinicForm(SellersWordsForm):
    """A clinic; its telephone number is kept as written from abroad."""

    sellers_words = ("description",)

    def clean_phone(self):
        """Refuse what cannot be a number, or has no country code."""
        return international_number(self.cleaned_data["phone"])


class OfferForm(SellersWordsForm):
    """An offer. A price that was changed here is a price that was confirmed today."""

    sellers_words = ("label", "product")
    may_name_medicines = ("product",)

    def save(self, commit=True):
        """Date the price, unless an editor wrote another date in the same form."""
        changed = set(self.changed_data)
        if changed & PRICE_FIELDS and "price_confirmed_on" not in changed:
            self.instance.price_confirmed_on = timezone.localdate()
        return super().save(commit)


class StaffPractitionerForm(ComparedForm):
    """A practitioner as clinic staff see one: who it is stays fixed once an editor checked it."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if self.instance.pk and self.instance.checks.all():
            for name in IDENTITY_FIELDS:
                self.fields[name].disabled = True
                self.fields[name].help_text = _("Checked by an editor. Ask us to change it.")


class CheckForm(ComparedForm):
    """A check of a clinic or of one of its own practitioners, with what shows that it was made.

    Who uses the form stands in `editor`, which the admin sets on the class that it makes.
    """

    editor = None

    evidence_file = forms.FileField(
        label=_("Evidence"),
        required=False,
        help_text=_("PDF, JPEG or PNG of at most 10 MB. Editors alone can open it."),
        widget=forms.FileInput(attrs={"accept": "application/pdf,image/jpeg,image/png"}),
    )

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.accepted_file = None

    def clean_evidence_file(self):
        """Look at what the file is; its name is not believed."""
        upload = self.cleaned_data["evidence_file"]
        if upload:
            try:
                self.accepted_file = examine(upload)
            except RefusedFile as refusal:
                raise forms.ValidationError(str(refusal)) from refusal
        return upload

    def clean(self):
        """Refuse a practitioner of another clinic, and a confirmation that nothing shows.

        A check that was stored before is let be until something of it is changed.
        """
        cleaned = super().clean()
        practitioner = cleaned.get("practitioner")
        # In the rows of a clinic's page the clinic is no field of the form.
        clinic_id = cleaned["clinic"].pk if cleaned.get("clinic") else self.instance.clinic_id
        if practitioner and clinic_id and practitioner.clinic_id != clinic_id:
            self.add_error("practitioner", _("This person does not work at this clinic."))
        says_confirmed = cleaned.get("result") == Check.Result.CONFIRMED and self.has_changed()
        if says_confirmed and not self.errors and not self._is_shown(cleaned):
            self.add_error(
                "link",
                _("Give the link to the public register, or attach a file that shows it."),
            )
        return cleaned

    def _is_shown(self, cleaned) -> bool:
        has_files = self.instance.pk and self.instance.evidence.all()
        return bool(cleaned.get("link") or self.accepted_file or has_files)

    def _save_m2m(self):
        """Keep the file, now that the check has a row: Django calls this once it has."""
        super()._save_m2m()
        if self.accepted_file:
            keep(self.cleaned_data["evidence_file"], self.accepted_file, self.instance, self.editor)


class MembershipForm(ComparedForm):
    """A membership; the person is named by user name, for editors see no list of accounts."""

    user = forms.ModelChoiceField(
        get_user_model().objects.filter(is_staff=True, is_active=True),
        to_field_name="username",
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none"}),
        label=_("User name"),
        help_text=_("Of somebody with an active account who may sign in here."),
        error_messages={"invalid_choice": _("Nobody who may sign in here has this user name.")},
    )

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.initial["user"] = self.instance.user.username


class PhotoForm(SellersWordsForm):
    """The words of a photo, its consent and its place. Without the first two it stays a draft."""

    sellers_words = ("alt_text",)

    class Meta:
        model = Photo
        fields = ["alt_text", "has_consent", "position"]
        labels = {"position": _("Place in the order")}
        widgets = {"position": forms.NumberInput(attrs={"min": 0, "max": 999})}

    def __init__(self, *args, **kwargs):
        # Several stand on one page.
        super().__init__(*args, prefix=f"photo-{kwargs['instance'].pk}", **kwargs)


class OpeningHoursFormSet(ComparedRows):
    """The hours of a clinic, in which no two spans of one day overlap."""

    def clean(self):
        """Say so beside the later one of two spans that overlap."""
        super().clean()
        spans = [
            form
            for form in self.forms
            if form.is_valid() and form.cleaned_data and not form.cleaned_data.get("DELETE")
        ]
        spans.sort(key=lambda form: (form.cleaned_data["weekday"], form.cleaned_data["opens"]))
        for earlier, later in pairwise(spans):
            before, after = earlier.cleaned_data, later.cleaned_data
            if before["weekday"] == after["weekday"] and after["opens"] < before["closes"]:
                later.add_error("opens", _("These hours overlap with others on the same day."))


class OffersOfClinicFormSet(ComparedRows):
    """Offers whose lists to choose from are read once, not once a row."""

    def __init__(self, *args, **kwargs):
        self.lists = {}
        super().__init__(*args, **kwargs)

    def add_fields(self, form, index):
        """Give the row the lists of the rows before it."""
        super().add_fields(form, index)
        for name in form.fields.keys() & {"treatment", "currency"}:
            field = form.fields[name]
            if name not in self.lists:
                self.lists[name] = list(field.choices)
            field.choices = self.lists[name]


class ChecksOfClinicFormSet(ComparedRows):
    """Checks that offer only the clinic's own practitioners to choose from."""

    def add_fields(self, form, index):
        """Narrow the choice; only here is the clinic known for new rows too."""
        super().add_fields(form, index)
        if "practitioner" in form.fields:
            form.fields["practitioner"].queryset = Practitioner.objects.filter(
                clinic=self.instance.pk
            )
