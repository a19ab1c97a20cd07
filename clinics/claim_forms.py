"""The forms with which somebody claims a listing, joins it, or invites others."""

import secrets

from django import forms
from django.contrib.auth import password_validation
from django.core import signing
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from .claims import is_at_own_website
from .models import ClaimRequest, Invitation

FORM_SALT = "clinics.claim-form"
# Nobody reads the page and writes four answers in less; a page may stay open for a day.
FEWEST_SECONDS, MOST_SECONDS = 4, 24 * 3600


class ClaimForm(forms.ModelForm):
    """A claim of one clinic. Whether it came from a program is asked by `is_from_a_program`."""

    # Named for what programs like to fill in, and hidden from people.
    fax_number = forms.CharField(
        label=_("Leave this empty"),
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off", "tabindex": "-1"}),
    )
    stamp = forms.CharField(widget=forms.HiddenInput)

    class Meta:
        model = ClaimRequest
        fields = ["registration_number", "name", "position", "email", "evidence"]
        labels = {
            "name": _("Your name"),
            "position": _("Your position at the clinic"),
            "email": _("Your e-mail address"),
            "evidence": _("How else can we check it?"),
        }
        help_texts = {
            "position": _("Such as owner, doctor or practice manager."),
            "evidence": _(
                "Needed if your address is not at the clinic’s website. Where can we look you up, "
                "and on which published number can we call you back?"
            ),
        }
        widgets = {
            "name": forms.TextInput(attrs={"autocomplete": "name"}),
            "position": forms.TextInput(attrs={"autocomplete": "organization-title"}),
            "email": forms.EmailInput(attrs={"autocomplete": "email"}),
            "evidence": forms.Textarea(attrs={"rows": 5}),
        }

    def __init__(self, *args, clinic, **kwargs):
        super().__init__(*args, **kwargs)
        self.instance.clinic = clinic
        self.fields["stamp"].initial = signing.dumps(
            {"clinic": clinic.pk, "key": secrets.token_hex(16)}, salt=FORM_SALT
        )

    def clean_stamp(self):
        """Refuse a stamp that is not ours, of another clinic, or too old; keep its key."""
        stamp = self.cleaned_data["stamp"]
        try:
            told = signing.loads(stamp, salt=FORM_SALT, max_age=MOST_SECONDS)
        except signing.BadSignature as error:
            raise ValidationError(_("This page was open for too long. Send it again.")) from error
        if told["clinic"] != self.instance.clinic.pk:
            raise ValidationError(_("This page was open for too long. Send it again."))
        self.instance.form_key = told["key"]
        return stamp

    def clean(self):
        """Ask for other evidence where the address proves nothing; renew a refused stamp."""
        cleaned = super().clean()
        if "stamp" in self.errors:
            self.data = self.data.copy()
            self.data["stamp"] = self.fields["stamp"].initial
        email, website = cleaned.get("email"), self.instance.clinic.website
        if email and not cleaned.get("evidence") and not is_at_own_website(email, website):
            self.add_error(
                "evidence",
                _(
                    "This address is not at the website that we hold for the clinic. Tell us how "
                    "else we can check that you work there."
                ),
            )
        return cleaned

    def is_from_a_program(self) -> bool:
        """Whether the hidden field was filled in, or the form came back at once."""
        if self.data.get("fax_number"):
            return True
        try:
            signing.loads(self.data.get("stamp", ""), salt=FORM_SALT, max_age=FEWEST_SECONDS)
        except signing.BadSignature:
            return False
        return True


class InvitationForm(forms.ModelForm):
    """Whom an owner invites, and to do what."""

    class Meta:
        model = Invitation
        fields = ["email", "role"]
        help_texts = {
            "role": _("Staff edit the listing. Owners also invite and remove people."),
        }
        widgets = {"email": forms.EmailInput(attrs={"autocomplete": "off"})}


class NewAccountForm(forms.Form):
    """The password of somebody who accepts an invitation and has no account yet."""

    password = forms.CharField(
        label=_("Choose a password"),
        strip=False,
        max_length=4096,
        help_text=_("At least 12 characters. A few words in a row are easy to keep in mind."),
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    repeated = forms.CharField(
        label=_("The same again"),
        strip=False,
        max_length=4096,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def __init__(self, *args, user, **kwargs):
        super().__init__(*args, **kwargs)
        self.user = user

    def clean_password(self):
        """Refuse a short or well-known password."""
        password_validation.validate_password(self.cleaned_data["password"], self.user)
        return self.cleaned_data["password"]

    def clean(self):
        """Refuse two that differ."""
        cleaned = super().clean()
        if cleaned.get("repeated") and cleaned.get("password") not in (None, cleaned["repeated"]):
            self.add_error("repeated", _("The two passwords are not the same."))
        return cleaned
