"""The form with which a reader asks, and what shows that a person sent it from our page.

There is no cookie in it. The hidden field `seal` is a random word with the time, signed by us
for one treatment: it says when the form was opened, and makes one question of a form that is
sent twice. See docs/adr/0008-a-form-without-a-cookie.md.
"""

import hashlib
import re
import secrets
import unicodedata

from django import forms
from django.conf import settings
from django.core import signing
from django.utils.translation import gettext_lazy as _

from .models import ReadersQuestion

LEAST_LETTERS = 10
# Nobody reads the page and writes a question in less; a day is longer than a page stays open.
LEAST_SECONDS = 3
MOST_SECONDS = 24 * 60 * 60
MOST_LETTERS_IN_A_NAME = 40

# Marks that turn the direction of all text after them. Plain left and right marks may stay.
_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_INVISIBLE = frozenset("\u00ad\u200b\u2060\ufeff")
_E_MAIL = re.compile(r"[^\s@]{1,64}@[^\s@]{1,250}\.[^\s@.]{2,}")
# A number with + or a leading 0 and eight digits or more, as telephone numbers are written.
_TELEPHONE = re.compile(r"(?<![\w.,])(?:\+|0)\d(?:[ ()/.-]{0,2}\d){7,}")
_LINK = re.compile(r"(?:https?://|www\.)\S", re.IGNORECASE)


def readable(text: str) -> str:
    """Return `text` with nothing in it that a reader cannot see and a page cannot hold.

    Control characters, halves of characters and marks that turn the writing direction go;
    line ends become one kind, and more than one empty line becomes one.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    kept = [
        letter
        for letter in text
        if letter in "\n\t"
        or (
            unicodedata.category(letter) not in ("Cc", "Cs")
            and letter not in _TURNING
            and letter not in _INVISIBLE
        )
    ]
    return re.sub(r"\n{3,}", "\n\n", "".join(kept)).strip()


class ReadableField(forms.CharField):
    """A text from a stranger: made readable first, and measured after that."""

    def __init__(self, *, one_line: bool = False, **options):
        self.one_line = one_line
        super().__init__(**options)

    def widget_attrs(self, widget):
        """Without maxlength: a browser would cut a pasted text off and say nothing."""
        attrs = super().widget_attrs(widget)
        attrs.pop("maxlength", None)
        return attrs

    def to_python(self, value):
        """The text as it is stored; on one line where the field has one."""
        text = readable(super().to_python(value))
        return " ".join(text.split()) if self.one_line else text


def new_seal(slug: str) -> str:
    """A seal for a form on the treatment with this slug, opened now."""
    return _signer(slug).sign(secrets.token_urlsafe(12))


def _signer(slug: str) -> signing.TimestampSigner:
    return signing.TimestampSigner(salt=f"treatments.readers-question.{slug}")


def is_from_our_page(request) -> bool:
    """Whether the browser says that the form was on a page of this site.

    A browser that says neither where a request came from is believed: what this keeps out are
    forms on other sites, and those are sent by browsers that do say it.
    """
    site = request.headers.get("Sec-Fetch-Site")
    if site:
        return site in ("same-origin", "none")
    origin = request.headers.get("Origin")
    ours = f"{request.scheme}://{request.get_host()}"
    return origin is None or origin in (ours, *settings.CSRF_TRUSTED_ORIGINS)


class QuestionForm(forms.Form):
    """A question on one treatment. A refused form keeps what was written."""

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
    # A field that people do not see. Programs that fill in every field fill in this one too.
    website = forms.CharField(
        label=_("Leave this empty"),
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off", "tabindex": "-1"}),
    )
    seal = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, treatment, sent=None, *, comes_from_us: bool = True):
        """A fresh form, or with `sent` the one that somebody sent."""
        self.treatment = treatment
        self.comes_from_us = comes_from_us
        if sent is not None:
            sent = sent.copy()
        super().__init__(sent, initial={"seal": new_seal(treatment.slug)})

    def clean_text(self):
        """Refuse an e-mail address, a telephone number or a link: it would be read by all."""
        text = self.cleaned_data["text"]
        if _E_MAIL.search(text) or _TELEPHONE.search(text):
            raise forms.ValidationError(
                _(
                    "Take out the e-mail address or telephone number. We cannot write back, and "
                    "nobody should be able to tell that you asked."
                )
            )
        if _LINK.search(text):
            raise forms.ValidationError(_("Take out the link. Say in your own words what it says."))
        return text

    def clean_name(self):
        """Refuse a name that is an address."""
        name = self.cleaned_data["name"]
        if "@" in name or _LINK.search(name) or _TELEPHONE.search(name):
            raise forms.ValidationError(_("Write a name here, not an address or a number."))
        return name

    def clean(self):
        """Look at what shows that a person sent it from our page; each refusal says what to do."""
        cleaned = super().clean()
        problem = self._problem_with_sending(cleaned)
        if problem:
            self.add_error(None, problem)
        return cleaned

    def _problem_with_sending(self, cleaned) -> str:
        # Whatever is wrong here is put right in the form that goes back, so that the same
        # words can be sent again.
        if cleaned.get("website"):
            self.data["website"] = ""
            return _(
                "A hidden box was filled in, as programs do. We have emptied it. Look at your "
                "question once more and send it again."
            )
        seal = cleaned.get("seal", "")
        signer = _signer(self.treatment.slug)
        try:
            signer.unsign(seal, max_age=MOST_SECONDS)
        except signing.BadSignature:
            self.data["seal"] = new_seal(self.treatment.slug)
            return _(
                "This page was open for a long time. Nothing is lost: look at your question once "
                "more and send it again."
            )
        if not self.comes_from_us:
            return _(
                "Your browser says that this was sent from another site. Look at your question "
                "once more and send it again from here."
            )
        if _is_too_quick(signer, seal):
            return _(
                "That was very quick. Wait a moment, look at your question once more and send it "
                "again."
            )
        return ""

    @property
    def sending(self) -> str:
        """The same for a form that was sent twice; another for other words in it."""
        parts = (self.cleaned_data[name] for name in ("seal", "text", "name"))
        return hashlib.sha256("\0".join([self.treatment.slug, *parts]).encode()).hexdigest()


def _is_too_quick(signer: signing.TimestampSigner, seal: str) -> bool:
    """Whether a good seal was made less than LEAST_SECONDS ago."""
    try:
        signer.unsign(seal, max_age=LEAST_SECONDS)
    except signing.SignatureExpired:
        return False
    return True
