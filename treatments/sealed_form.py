"""Forms of strangers without a cookie: made readable, sealed, and held apart from programs.

There is no cookie in such a form. The hidden field `seal` is a random word with the time, signed by
us for one subject: it says when the form was opened, and makes one sending of a form that is sent
twice. See docs/adr/0008-a-form-without-a-cookie.md.
"""

import hashlib
import re
import secrets
import unicodedata

from django import forms
from django.conf import settings
from django.core import signing
from django.utils.translation import gettext_lazy as _

# Nobody reads the page and writes a text in less; a day is longer than a page stays open.
LEAST_SECONDS = 3
MOST_SECONDS = 24 * 60 * 60

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


def names_a_way_to_reach(text: str) -> bool:
    """Whether an e-mail address or a telephone number stands in the text."""
    return bool(_E_MAIL.search(text) or _TELEPHONE.search(text))


def names_a_link(text: str) -> bool:
    """Whether the address of a page stands in the text."""
    return bool(_LINK.search(text))


def new_seal(subject: str) -> str:
    """A seal for a form on this subject, opened now."""
    return _signer(subject).sign(secrets.token_urlsafe(12))


def _signer(subject: str) -> signing.TimestampSigner:
    return signing.TimestampSigner(salt=subject)


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


class SealedForm(forms.Form):
    """A form that a stranger fills in once. A refused form keeps what was written.

    `subject` is what it is about and of which kind it is, so that a seal of one form is none for
    another. `sending_fields` name what makes two sendings the same.
    """

    sending_fields: tuple[str, ...] = ()

    # A field that people do not see. Programs that fill in every field fill in this one too.
    website = forms.CharField(
        label=_("Leave this empty"),
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off", "tabindex": "-1"}),
    )
    seal = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, subject: str, sent=None, *, comes_from_us: bool = True):
        """A fresh form, or with `sent` the one that somebody sent."""
        self.subject = subject
        self.comes_from_us = comes_from_us
        if sent is not None:
            sent = sent.copy()
        super().__init__(sent, initial={"seal": new_seal(subject)})

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
                "A hidden box was filled in, as programs do. We have emptied it. Look at what you "
                "wrote once more and send it again."
            )
        seal = cleaned.get("seal", "")
        signer = _signer(self.subject)
        try:
            signer.unsign(seal, max_age=MOST_SECONDS)
        except signing.BadSignature:
            self.data["seal"] = new_seal(self.subject)
            return _(
                "This page was open for a long time. Nothing is lost: look at what you wrote "
                "once more and send it again."
            )
        if not self.comes_from_us:
            return _(
                "Your browser says that this was sent from another site. Look at what you wrote "
                "once more and send it again from here."
            )
        if _is_too_quick(signer, seal):
            return _(
                "That was very quick. Wait a moment, look at what you wrote once more and send it "
                "again."
            )
        return ""

    @property
    def sending(self) -> str:
        """The same for a form that was sent twice; another for other words in it."""
        parts = (self.cleaned_data[name] for name in ("seal", *self.sending_fields))
        return hashlib.sha256("\0".join([self.subject, *parts]).encode()).hexdigest()


def _is_too_quick(signer: signing.TimestampSigner, seal: str) -> bool:
    """Whether a good seal was made less than LEAST_SECONDS ago."""
    try:
        signer.unsign(seal, max_age=LEAST_SECONDS)
    except signing.SignatureExpired:
        return False
    return True
