"""The forms of signing in and of one's own account."""

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from . import sign_in, two_factor

# Longest code that is looked at: a recovery code with generous spaces.
CODE_LENGTH = 30
CODE_ATTRIBUTES = {
    "autocomplete": "one-time-code",
    "autocapitalize": "none",
    "spellcheck": "false",
}


def refusal(answer: two_factor.Answer):
    """In words, why a code was not taken."""
    if answer.wait_seconds:
        return ngettext(
            "There were wrong codes. Wait %(seconds)d second, then try the newest code.",
            "There were wrong codes. Wait %(seconds)d seconds, then try the newest code.",
            answer.wait_seconds,
        ) % {"seconds": answer.wait_seconds}
    return _("This code is wrong, or was used already. Wait for the next one and try that.")


class CodeForm(forms.Form):
    """The second step: one code. Valid means that the code has been used up.

    `device` is then what took it.
    """

    code = forms.CharField(
        label=_("Code"),
        max_length=CODE_LENGTH,
        help_text=_("Six digits from your app, or one of your recovery codes."),
        widget=forms.TextInput(attrs={**CODE_ATTRIBUTES, "autofocus": True}),
    )

    def __init__(self, *args, request, user, **kwargs):
        super().__init__(*args, **kwargs)
        self.request = request
        self.user = user
        self.device = None

    def clean_code(self):
        """Use the code, or count it as a wrong one."""
        answer = two_factor.check(self.user, self.cleaned_data["code"])
        if answer.device is None:
            if not answer.wait_seconds:
                sign_in.note_wrong_code(self.request, self.user)
            raise forms.ValidationError(refusal(answer))
        self.device = answer.device
        return self.cleaned_data["code"]


class PasswordAndCodeForm(CodeForm):
    """For what would open the account to somebody who found it signed in."""

    password = forms.CharField(
        label=_("Your password"),
        strip=False,
        max_length=4096,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )
    field_order = ["password", "code"]

    def clean_password(self):
        """Refuse a wrong password, and count it with those of signing in."""
        password = self.cleaned_data["password"]
        if not self.user.check_password(password):
            sign_in.note_wrong_code(self.request, self.user)
            raise forms.ValidationError(_("This password is wrong."))
        return password

    def clean_code(self):
        """Look at the code only after the right password: else a code would be lost for nothing."""
        if "password" not in self.cleaned_data:
            return ""
        return super().clean_code()


class FirstCodeForm(forms.Form):
    """The code with which somebody shows that their app has the new secret."""

    code = forms.CharField(
        label=_("The six digits that the app shows now"),
        max_length=CODE_LENGTH,
        widget=forms.TextInput(attrs={**CODE_ATTRIBUTES, "inputmode": "numeric"}),
    )

    def __init__(self, *args, secret: two_factor.AppSecret, **kwargs):
        super().__init__(*args, **kwargs)
        self.secret = secret
        self.device = None

    def clean_code(self):
        """Store the app, if the code is its own."""
        self.device = self.secret.confirm(self.cleaned_data["code"])
        if self.device is None:
            raise forms.ValidationError(
                _("This is not the code of this secret. Check the clock of your telephone.")
            )
        return self.cleaned_data["code"]
