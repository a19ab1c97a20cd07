"""What happens to a patient's request, from the form that sends it to its deletion.

Every step is one transaction that also writes the notices about it, so that nothing is
acknowledged and then lost. Times are in UTC.
"""

import hashlib
import hmac
import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib.auth import get_user_model
from django.core.signing import BadSignature, SignatureExpired, TimestampSigner
from django.db import IntegrityError, connection, transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from .models import Enquiry, EnquiryEntry, EnquiryReading, Membership, OutgoingNotice
from .permissions import clinics_as_member
from .sealed_text import seal, unseal

# Then it is deleted, answered or not, and the private link ends.
KEPT = timedelta(days=180)
# Nobody reads and fills in the form in less; a program does.
SHORTEST_VISIT = timedelta(seconds=2)
LONGEST_VISIT = timedelta(hours=24)
# What a patient may add to one request.
MOST_ADDITIONS = 20
# Without letters and digits that are taken for each other.
REFERENCE_ALPHABET = "23456789CDFGHJKMNPQRTVWXYZ"

# To change the words, add a version: what somebody agreed to must stay known.
CONSENT_VERSION = "2026-11"


def consent_words(clinic) -> str:
    """What a patient agrees to, in the language of the page. Belongs to CONSENT_VERSION."""
    return _(
        "I agree that Mesoguide keeps what I write here for %(days)d days and passes it on to "
        "%(clinic)s. It may say something about my health. I can delete it at any time."
    ) % {"days": KEPT.days, "clinic": clinic.name}


# --- Who can read


def has_inbox():
    """For a queryset of clinics: whether somebody works there who can open a request.

    A condition inside the caller's own query.
    """
    return Exists(
        Membership.objects.filter(
            clinic=OuterRef("pk"), user__is_active=True, user__is_staff=True
        ).values("pk")
    )


def readers_of(clinic_id):
    """The people who can open the requests of this clinic, as a queryset."""
    return get_user_model().objects.filter(
        memberships__clinic=clinic_id, is_active=True, is_staff=True
    )


def enquiries_of(user):
    """The requests whose words this person may read, as a queryset."""
    return Enquiry.objects.filter(clinic__in=clinics_as_member(user))


# --- The form's own key: one form, one request


@dataclass(frozen=True)
class FormToken:
    """What a form carries so that sending it twice makes one request."""

    key: str
    is_hasty: bool
    is_old: bool


def _signer(clinic) -> TimestampSigner:
    # A form of one clinic is no form of another.
    return TimestampSigner(salt=f"clinics.enquiries.{clinic.pk}")


def new_form_token(clinic) -> str:
    """A token for a form that is about to be shown. Nobody can guess it."""
    return _signer(clinic).sign(secrets.token_urlsafe(32))


def read_form_token(text: str, clinic) -> FormToken | None:
    """The token that came back with a form of this clinic; None when it is not one of ours."""
    signer = _signer(clinic)
    try:
        key = signer.unsign(text)
    except BadSignature:
        return None
    return FormToken(
        key,
        is_hasty=_is_younger(signer, text, SHORTEST_VISIT),
        is_old=not _is_younger(signer, text, LONGEST_VISIT),
    )


def _is_younger(signer: TimestampSigner, text: str, age: timedelta) -> bool:
    try:
        signer.unsign(text, max_age=age)
    except SignatureExpired:
        return False
    return True


def private_secret(form_key: str) -> str:
    """The unguessable end of the patient's private link.

    It follows from the form's key, so that a second press of the button leads to the same
    link; we keep hashes of both, from which neither can be had.
    """
    digest = hmac.digest(form_key.encode(), b"private link", "sha256")
    return urlsafe_b64encode(digest).decode().rstrip("=")


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def was_sent(token: FormToken) -> bool:
    """Whether the form with this token has made a request already. One query."""
    return Enquiry.objects.filter(form_key_hash=_hash(token.key)).exists()


def by_private_link(secret: str) -> Enquiry | None:
    """The request that a private link leads to; None when it is unknown, over or deleted."""
    return (
        Enquiry.objects.filter(link_hash=_hash(secret), delete_after__gt=timezone.now())
        .select_related("clinic__place__country")
        .first()
    )


# --- What the patient does


def _reference() -> str:
    letters = "".join(secrets.choice(REFERENCE_ALPHABET) for _ in range(8))
    return f"{letters[:4]}-{letters[4:]}"


@sensitive_variables("words")
def send(clinic, words: dict, token: FormToken) -> bool:
    """Store a request and the notices of it; False when this form was stored before.

    Two at the same moment make one: the database refuses the second key.
    """
    now = timezone.now()
    reference = _reference()
    try:
        with transaction.atomic():
            enquiry = Enquiry.objects.create(
                reference=reference,
                clinic=clinic,
                sealed=seal(words, reference),
                consent_version=CONSENT_VERSION,
                consent_digest=_hash(consent_words(clinic)),
                form_key_hash=_hash(token.key),
                link_hash=_hash(private_secret(token.key)),
                sent_at=now,
                waiting_since=now,
                delete_after=now + KEPT,
            )
            _tell_clinic(enquiry, OutgoingNotice.Kind.NEW)
    except IntegrityError:
        if not was_sent(token):
            raise
        return False
    return True


def _tell_clinic(enquiry, kind):
    # One that waits still says it all: the inbox shows whatever has come since.
    waiting = enquiry.notices.filter(sent_at__isnull=True, user__isnull=False)
    readers = readers_of(enquiry.clinic_id).exclude(email="")
    readers = readers.exclude(pk__in=waiting.values("user"))
    # One by one, or a site without `run_jobs` would not notice them; a clinic has few people.
    for reader in readers:
        OutgoingNotice.objects.create(enquiry=enquiry, kind=kind, user=reader)


@sensitive_variables("text")
def add_words(enquiry, text: str) -> bool:
    """Add what the patient writes later; False when there is too much of it already."""
    with transaction.atomic():
        current = Enquiry.objects.select_for_update().get(pk=enquiry.pk)
        additions = current.entries.filter(kind=EnquiryEntry.Kind.ADDITION)
        if additions.count() >= MOST_ADDITIONS:
            return False
        _append(current, EnquiryEntry.Kind.ADDITION, text)
        current.status = Enquiry.Status.NEW
        current.waiting_since = current.waiting_since or timezone.now()
        current.save(update_fields=["status", "waiting_since"])
        _tell_clinic(current, OutgoingNotice.Kind.ADDITION)
    return True


def delete_enquiry(enquiry):
    """Delete a request with everything that belongs to it, its waiting notices too."""
    enquiry.delete()


# --- What the clinic does


def _append(enquiry, kind, text, user=None):
    EnquiryEntry.objects.create(
        enquiry=enquiry,
        kind=kind,
        sealed=seal(text, f"{enquiry.reference}/{kind}"),
        written_by=user,
    )


def record_reading(enquiry, user, way):
    """Write down that this person sees the patient's words now; what was new is now read."""
    EnquiryReading.objects.create(enquiry=enquiry, user=user, way=way)
    Enquiry.objects.filter(pk=enquiry.pk, status=Enquiry.Status.NEW).update(
        status=Enquiry.Status.READ
    )


@sensitive_variables("text")
def answer(enquiry, user, text: str):
    """Store the clinic's answer and, where the patient left an e-mail address, a notice of it."""
    with transaction.atomic():
        current = Enquiry.objects.select_for_update().get(pk=enquiry.pk)
        _append(current, EnquiryEntry.Kind.ANSWER, text, user)
        current.status = Enquiry.Status.ANSWERED
        current.waiting_since = None
        current.first_answered_at = current.first_answered_at or timezone.now()
        current.save(update_fields=["status", "waiting_since", "first_answered_at"])
        has_notice = current.notices.filter(user=None, sent_at__isnull=True).exists()
        if words_of(current)["email"] and not has_notice:
            OutgoingNotice.objects.create(enquiry=current, kind=OutgoingNotice.Kind.ANSWER)


@sensitive_variables("text")
def add_note(enquiry, user, text: str):
    """Store a note that the patient does not see."""
    _append(enquiry, EnquiryEntry.Kind.NOTE, text, user)


def close(enquiry):
    """Say that nothing more will come. What the patient adds later opens it again."""
    Enquiry.objects.filter(pk=enquiry.pk).update(status=Enquiry.Status.CLOSED, waiting_since=None)


# --- Reading


@dataclass(frozen=True)
class Line:
    """One entry of a request as its readers see it. `author` is empty for the patient's."""

    kind: str
    text: str
    author: str
    written_at: datetime


def words_of(enquiry) -> dict:
    """What the patient wrote in the form. Raises UnreadableText."""
    return unseal(enquiry.sealed, enquiry.reference)


def lines_of(enquiry, kinds) -> list[Line]:
    """The entries of these kinds, oldest first. One query. Raises UnreadableText."""
    return [
        Line(
            entry.kind,
            unseal(entry.sealed, f"{enquiry.reference}/{entry.kind}"),
            entry.written_by.get_username() if entry.written_by else "",
            entry.written_at,
        )
        for entry in enquiry.entries.filter(kind__in=kinds).select_related("written_by")
    ]


def hours_between(start: datetime | None, end: datetime | None) -> int | None:
    """Whole hours from one moment to another; None when either is missing."""
    if start is None or end is None:
        return None
    return int((end - start).total_seconds() // 3600)


# --- The end


def delete_expired(now: datetime) -> int:
    """Delete the requests whose time is over; return how many."""
    expired = Enquiry.objects.filter(delete_after__lte=now)
    _total, by_model = expired.delete()
    return by_model.get(Enquiry._meta.label, 0)


def forget_freed_bytes() -> bool:
    """Make SQLite drop from its files what was deleted; False when somebody was in the way.

    With secure_delete the file itself is overwritten once the journal beside it, which still
    holds old pages, is written back and cut to nothing. PostgreSQL does so by VACUUM.
    """
    if connection.vendor != "sqlite":
        return True
    if connection.in_atomic_block:
        return False
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA secure_delete=ON")
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (was_busy, *_pages) = cursor.fetchone()
    return not was_busy
