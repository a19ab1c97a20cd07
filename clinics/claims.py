"""Claims and invitations: what they prove, and how they come to give rights.

A link alone never makes somebody an owner. It proves that an address is read; an editor decides
on a claim, and an owner has decided on an invitation before it was sent.
"""

import datetime
import secrets
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.tokens import default_token_generator
from django.core import signing
from django.core.exceptions import ValidationError
from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode
from django.utils.translation import gettext as _

from .models import ClaimRequest, Clinic, Invitation, Membership, OutgoingNotice

CONFIRM_WITHIN = datetime.timedelta(days=3)
ACCEPT_WITHIN = datetime.timedelta(days=7)
# Of one clinic at one time, so that nobody sends mails through us by the thousand.
MOST_OPEN_INVITATIONS = 20
CLAIM_SALT, INVITATION_SALT = "clinics.claim", "clinics.invitation"
# Hosts at which anybody can have an address or a page. None of them is a clinic's own.
SHARED_HOSTS = {
    *("aol.com", "fastmail.com", "free.fr", "gmail.com", "gmx.com", "gmx.de", "gmx.net"),
    *("googlemail.com", "hotmail.com", "hotmail.co.uk", "hotmail.fr", "icloud.com"),
    *("laposte.net", "libero.it", "live.com", "mac.com", "mail.com", "mail.ru", "me.com"),
    *("msn.com", "naver.com", "orange.fr", "outlook.com", "outlook.fr", "pm.me", "proton.me"),
    *("protonmail.com", "qq.com", "rambler.ru", "sfr.fr", "t-online.de", "tutanota.com"),
    *("virgilio.it", "wanadoo.fr", "web.de", "yahoo.co.uk", "yahoo.com", "yahoo.de", "yahoo.es"),
    *("yahoo.fr", "yahoo.it", "yandex.com", "yandex.ru", "ymail.com", "zoho.com", "126.com"),
    "163.com",
    *("blogspot.com", "doctolib.fr", "facebook.com", "google.com", "instagram.com"),
    *("linkedin.com", "linktr.ee", "sites.google.com", "tiktok.com", "weebly.com", "wixsite.com"),
    *("wordpress.com", "youtube.com"),
}


class Refused(Exception):
    """What was asked for cannot be done any more. Its text is for the person who asked."""


# --- What an address proves


def own_host(website: str) -> str:
    """The host of a website as letters of ASCII, without "www."; "" for a shared or odd one."""
    try:
        host = urlsplit(website).hostname or ""
        host = host.rstrip(".").encode("idna").decode("ascii").lower()
    except (ValueError, UnicodeError):
        return ""
    host = host.removeprefix("www.")
    return "" if host in SHARED_HOSTS or "." not in host else host


def is_at_own_website(email: str, website: str) -> bool:
    """Whether the part after the @ is the host of the website, letter by letter.

    Neither a sub-domain nor a parent: without a list of who lets sub-domains to whom,
    "clinic.example.com" may belong to somebody else than "example.com".
    """
    host = own_host(website)
    return bool(host) and own_host(f"https://{email.rpartition('@')[2]}") == host


# --- Claims


def claim_link(claim) -> str:
    """The signed address with which the reader of the claim's address confirms it."""
    token = signing.dumps({"claim": claim.pk, "email": claim.email}, salt=CLAIM_SALT)
    return settings.SITE_URL + reverse("claim-confirm", args=[token])


def claim_of(token: str) -> ClaimRequest | None:
    """The waiting, unconfirmed claim that a link names; None for any other, or one too old."""
    try:
        told = signing.loads(token, salt=CLAIM_SALT, max_age=CONFIRM_WITHIN)
    except signing.BadSignature:
        return None
    return (
        ClaimRequest.objects.filter(
            pk=told["claim"],
            email=told["email"],
            status=ClaimRequest.Status.WAITING,
            email_confirmed_at=None,
            clinic__status=Clinic.Status.PUBLISHED,
        )
        .select_related("clinic")
        .first()
    )


def make_claim(claim: ClaimRequest):
    """Store a claim, once a form; send the link where the address can prove something."""
    claim.is_email_at_clinic = is_at_own_website(claim.email, claim.clinic.website)
    with transaction.atomic():
        stored, is_new = ClaimRequest.objects.get_or_create(
            form_key=claim.form_key,
            defaults={
                name: getattr(claim, name)
                for name in (
                    *("clinic", "name", "position", "email", "registration_number"),
                    *("evidence", "is_email_at_clinic"),
                )
            },
        )
        if is_new and stored.is_email_at_clinic:
            OutgoingNotice.objects.create(kind=OutgoingNotice.Kind.CLAIM_CONFIRM, claim=stored)


def confirm_email(claim) -> bool:
    """Note that the link of a claim was followed; False if it was before."""
    return bool(
        ClaimRequest.objects.filter(pk=claim.pk, email_confirmed_at=None).update(
            email_confirmed_at=timezone.now()
        )
    )


def approve(claim, editor) -> Membership:
    """Make the claimant an owner of the clinic, all or nothing, and mail them how to get in.

    Raises Refused if somebody has decided on the claim meanwhile, or nothing supports it.
    """
    with transaction.atomic():
        if not claim.is_supported:
            raise Refused(_("The address is not confirmed yet, and there is no other evidence."))
        _decide(claim, editor, ClaimRequest.Status.APPROVED)
        user = _account_for(claim.email, claim.name)
        membership = _make_member(user, claim.clinic, Membership.Role.OWNER)
        OutgoingNotice.objects.create(
            kind=OutgoingNotice.Kind.CLAIM_APPROVED, claim=claim, user=user
        )
    return membership


def decline(claim, editor, reason: str):
    """Close a claim and mail the claimant why. Raises Refused as `approve` does."""
    with transaction.atomic():
        _decide(claim, editor, ClaimRequest.Status.DECLINED, reason)
        OutgoingNotice.objects.create(kind=OutgoingNotice.Kind.CLAIM_DECLINED, claim=claim)


def _decide(claim, editor, status, reason=""):
    changes = {
        "status": status,
        "reason": reason,
        "decided_by": editor,
        "decided_at": timezone.now(),
    }
    waiting = ClaimRequest.objects.filter(pk=claim.pk, status=ClaimRequest.Status.WAITING)
    if not waiting.update(**changes):
        raise Refused(_("Somebody has decided on this claim already."))
    for name, value in changes.items():
        setattr(claim, name, value)


def _account_for(email, name):
    """The account of this address, made if need be."""
    users = get_user_model().objects
    user = users.filter(email__iexact=email, is_active=True).order_by("pk").first()
    if user is not None:
        if not user.is_staff:
            user.is_staff = True
            user.save(update_fields=["is_staff"])
        return user
    first, _space, last = name.partition(" ")
    return users.create_user(
        username_for(email),
        email,
        # Nobody knows it; a link to choose one is sent to the address.
        password=secrets.token_urlsafe(32),
        is_staff=True,
        first_name=first[:150],
        last_name=last[:150],
    )


def username_for(email: str) -> str:
    """A free user name: the address itself, where it is allowed as one."""
    users = get_user_model().objects
    name = email.lower()
    try:
        get_user_model().username_validator(name)
    except ValidationError:
        name = f"person-{secrets.token_hex(4)}"
    if len(name) > 150 or users.filter(username__iexact=name).exists():
        name = f"person-{secrets.token_hex(4)}"
    return name


def way_in(user, is_new: bool) -> str:
    """Where somebody goes to sign in; with a new account, to choose a password first."""
    if not is_new:
        return settings.SITE_URL + reverse("admin:login")
    uid = urlsafe_base64_encode(force_bytes(user.pk))
    token = default_token_generator.make_token(user)
    return settings.SITE_URL + reverse("password_reset_confirm", args=[uid, token])


# --- People of a clinic


def invite(clinic, owner, email: str, role: str) -> Invitation:
    """Write an invitation and the notice that brings it; take back an earlier one to the address.

    Raises Refused for somebody who works here already, and above `MOST_OPEN_INVITATIONS`.
    """
    with transaction.atomic():
        if clinic.memberships.filter(user__email__iexact=email, user__is_active=True).exists():
            raise Refused(_("Somebody with this address works on the listing already."))
        clinic.invitations.open().filter(email__iexact=email).update(revoked_at=timezone.now())
        if clinic.invitations.open().count() >= MOST_OPEN_INVITATIONS:
            raise Refused(_("Too many invitations are open. Take some back first."))
        invitation = Invitation.objects.create(
            clinic=clinic,
            invited_by=owner,
            email=email,
            role=role,
            expires_at=timezone.now() + ACCEPT_WITHIN,
        )
        OutgoingNotice.objects.create(kind=OutgoingNotice.Kind.INVITATION, invitation=invitation)
    return invitation


def invitation_link(invitation) -> str:
    """The signed address with which the reader of the mail accepts."""
    token = signing.dumps(
        {"invitation": invitation.pk, "email": invitation.email}, salt=INVITATION_SALT
    )
    return settings.SITE_URL + reverse("invitation", args=[token])


def invitation_of(token: str) -> Invitation | None:
    """The open invitation that a link names; None for any other. One query."""
    try:
        told = signing.loads(token, salt=INVITATION_SALT, max_age=ACCEPT_WITHIN)
    except signing.BadSignature:
        return None
    return (
        Invitation.objects.open()
        .filter(pk=told["invitation"], email=told["email"])
        .select_related("clinic", "invited_by")
        .first()
    )


def accept(invitation, user) -> Membership:
    """Make the person a member, once. Raises Refused if it is another's, or open no more."""
    if user.email.casefold() != invitation.email.casefold():
        raise Refused(_("This invitation is for another address."))
    with transaction.atomic():
        if (
            not Invitation.objects.open()
            .filter(pk=invitation.pk)
            .update(accepted_at=timezone.now())
        ):
            raise Refused(_("This invitation has been used or taken back."))
        if not user.is_staff:
            user.is_staff = True
            user.save(update_fields=["is_staff"])
        return _make_member(user, invitation.clinic, invitation.role)


def accept_with_new_account(invitation, password: str):
    """Make an account for the address of the invitation, and a member of it; return the user."""
    with transaction.atomic():
        if has_account(invitation.email):
            raise Refused(_("There is an account with this address. Sign in first."))
        user = get_user_model().objects.create_user(
            username_for(invitation.email), invitation.email, password=password, is_staff=True
        )
        accept(invitation, user)
    return user


def has_account(email: str) -> bool:
    """Whether an active account has this address. One query."""
    return get_user_model().objects.filter(email__iexact=email, is_active=True).exists()


def revoke(invitation) -> bool:
    """Take back an open invitation; False if it is open no more."""
    open_one = Invitation.objects.open().filter(pk=invitation.pk)
    return bool(open_one.update(revoked_at=timezone.now()))


def remove_member(membership):
    """End a membership. Raises Refused for the last owner: a listing would be nobody's.

    The rows of all owners are locked first, so that two who remove each other do not both.
    """
    with transaction.atomic():
        owners = list(
            Membership.objects.select_for_update()
            .filter(clinic=membership.clinic_id, role=Membership.Role.OWNER)
            .order_by("pk")
            .values_list("pk", flat=True)
        )
        if owners == [membership.pk]:
            raise Refused(_("The last owner cannot be removed. Make somebody else an owner first."))
        membership.delete()


def _make_member(user, clinic, role):
    membership, is_new = Membership.objects.get_or_create(
        user=user, clinic=clinic, defaults={"role": role}
    )
    if not is_new and role == Membership.Role.OWNER and membership.role != role:
        membership.role = role
        membership.save(update_fields=["role"])
    return membership
