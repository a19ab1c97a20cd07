"""What each e-mail says and to whom it goes, made of what is true when it is sent.

No e-mail holds a word of a patient's: each says only that there is something to read, and where.
"""

from collections.abc import Callable
from datetime import timedelta

from django.conf import settings
from django.core.mail import EmailMessage
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from .claims import claim_link, invitation_link, way_in
from .confirmation import REMINDED_AT, oldest_price_of
from .enquiries import readers_of, words_of
from .models import ClaimRequest, Correction, OutgoingNotice, Proposal

Kind = OutgoingNotice.Kind


class NobodyToTell(Exception):
    """There is nobody to write to any more, or nothing to say."""


def message_of(notice: OutgoingNotice) -> EmailMessage:
    """The e-mail that a notice stands for. Raises NobodyToTell and UnreadableText."""
    address, text = MAKERS[notice.kind](notice)
    if not address:
        raise NobodyToTell
    subject, _blank, body = text.strip().partition("\n\n")
    return EmailMessage(subject=subject, body=body, to=[address])


def _mail(subject, template, context) -> str:
    """A subject, an empty line, and a text."""
    # A name with a line end must not become a header of its own.
    return f"{' '.join(subject.split())}\n\n{render_to_string(template, context)}"


# --- Requests of patients


def _of_request(notice) -> tuple[str, str]:
    enquiry = notice.enquiry
    if notice.user_id:
        reader = readers_of(enquiry.clinic_id).filter(pk=notice.user_id).first()
        address = reader.email if reader else ""
    else:
        address = words_of(enquiry)["email"]
    context = {
        "reference": enquiry.reference,
        "kind": notice.kind,
        "inbox": settings.SITE_URL + reverse("admin:clinics_enquiry_change", args=[enquiry.pk]),
    }
    return address, render_to_string("clinics/enquiry_notice.txt", context)


# --- Claims and invitations


def _of_claim(status, subject, template) -> Callable:
    """A maker of mails about a claim that has this status; for any other nothing is to be said."""

    def make(notice) -> tuple[str, str]:
        claim = notice.claim
        if claim.status != status or (notice.kind == Kind.CLAIM_CONFIRM and claim.is_confirmed):
            raise NobodyToTell
        context = {"claim": claim, "reason": claim.reason}
        if notice.kind == Kind.CLAIM_CONFIRM:
            context["link"] = claim_link(claim)
        if notice.user:
            context |= _way_in(notice.user, claim.email)
        return claim.email, _mail(subject(), template, context)

    return make


def _way_in(user, address: str) -> dict:
    """How somebody gets in; to choose a password only while the account has this address."""
    is_new = user.last_login is None and user.email.casefold() == address.casefold()
    return {"user": user, "is_new": is_new, "link": way_in(user, is_new)}


def _of_invitation(notice) -> tuple[str, str]:
    invitation = notice.invitation
    if not invitation.is_open:
        raise NobodyToTell
    context = {"invitation": invitation, "link": invitation_link(invitation)}
    subject = _("An invitation to Mesoguide")
    return invitation.email, _mail(subject, "clinics/mail/invitation.txt", context)


# --- Prices


def _of_prices(notice) -> tuple[str, str]:
    clinic, today = notice.clinic, timezone.localdate()
    reader = readers_of(clinic.pk).filter(pk=notice.user_id).first()
    oldest = oldest_price_of(clinic)
    is_still_old = oldest is not None and oldest <= today - timedelta(days=REMINDED_AT[0])
    if reader is None or not clinic.is_published or not is_still_old:
        raise NobodyToTell
    _first, amber, stale = REMINDED_AT
    context = {
        "clinic": clinic,
        "oldest": oldest,
        "days": (today - oldest).days,
        "amber": amber,
        "stale": stale,
        "home": settings.SITE_URL + reverse("clinic-home", args=[clinic.pk]),
    }
    subject = _("Are your prices on Mesoguide still correct?")
    return reader.email, _mail(subject, "clinics/mail/prices.txt", context)


# --- What was sent in


def _of_changes(notice) -> tuple[str, str]:
    clinic = notice.clinic
    reader = readers_of(clinic.pk).filter(pk=notice.user_id).first()
    if reader is None:
        raise NobodyToTell
    context = {
        "clinic": clinic,
        "returned": clinic.proposals.filter(status=Proposal.Status.RETURNED).count(),
        "list": settings.SITE_URL + reverse("admin:clinics_proposal_changelist"),
    }
    subject = _("What you sent in for your listing was looked at")
    return reader.email, _mail(subject, "clinics/mail/changes_decided.txt", context)


# --- Corrections by readers


def _of_corrections(notice) -> tuple[str, str]:
    clinic = notice.clinic
    reader = readers_of(clinic.pk).filter(pk=notice.user_id).first()
    if reader is None or not Correction.objects.waiting().filter(clinic=clinic).exists():
        raise NobodyToTell
    corrections = reverse("admin:clinics_correction_changelist")
    context = {"clinic": clinic, "list": f"{settings.SITE_URL}{corrections}?status__exact=waiting"}
    subject = _("A reader says that something in your listing is wrong")
    return reader.email, _mail(subject, "clinics/mail/correction.txt", context)


MAKERS: dict[str, Callable[[OutgoingNotice], tuple[str, str]]] = {
    Kind.NEW: _of_request,
    Kind.ADDITION: _of_request,
    Kind.ANSWER: _of_request,
    Kind.CLAIM_CONFIRM: _of_claim(
        ClaimRequest.Status.WAITING,
        lambda: _("Confirm your claim of a listing on Mesoguide"),
        "clinics/mail/claim_confirm.txt",
    ),
    Kind.CLAIM_APPROVED: _of_claim(
        ClaimRequest.Status.APPROVED,
        lambda: _("Your clinic’s listing on Mesoguide"),
        "clinics/mail/claim_approved.txt",
    ),
    Kind.CLAIM_DECLINED: _of_claim(
        ClaimRequest.Status.DECLINED,
        lambda: _("Your claim of a listing on Mesoguide"),
        "clinics/mail/claim_declined.txt",
    ),
    Kind.INVITATION: _of_invitation,
    Kind.PRICES_AGEING: _of_prices,
    Kind.CHANGES_DECIDED: _of_changes,
    Kind.CORRECTION: _of_corrections,
}
