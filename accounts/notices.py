"""Mails to a person about their own account."""

from django.core.mail import send_mail
from django.db import transaction
from django.template.loader import render_to_string
from django.utils.translation import gettext as _


def tell(user, event: str):
    """Mail somebody that something of their account has changed, once it has for good.

    `event` names a template in accounts/mail/. A mail server that fails is logged, and what
    has changed stays changed. Without an address nothing is sent.
    """
    if not user.email:
        return
    text = render_to_string(f"accounts/mail/{event}.txt", {"user": user})
    subject = _("Your Mesoguide account has changed")

    # Not a partial: Django logs a failure under the name of a function.
    def send():
        send_mail(subject, text, None, [user.email])

    transaction.on_commit(send, robust=True)
