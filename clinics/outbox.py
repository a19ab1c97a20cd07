"""The e-mails that are due: sent at least once, however often the mail server or a worker fails.

A worker takes a notice by moving its `due_at` on, sends it, and only then marks it as sent. Killed
in between, the notice falls due again. No e-mail holds a word of a patient's: each says only
that there is something to read, and where.
"""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from smtplib import SMTPException

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import connection, transaction
from django.db.models import F
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone

from .enquiries import readers_of, words_of
from .models import OutgoingNotice
from .sealed_text import UnreadableText

# How long a worker has before another one takes the same notice.
LEASE = timedelta(minutes=5)
# After the first failure, the second and so on; the last stays.
PAUSES = [timedelta(minutes=minutes) for minutes in (1, 5, 30, 120, 360)]
# In a warning of each round, so that somebody looks at it.
MANY_ATTEMPTS = 5

logger = logging.getLogger(__name__)


class NoAddress(Exception):
    """There is nobody to write to any more."""


@dataclass
class Round:
    """What one round over the due notices came to."""

    sent: int = 0
    failed: int = 0


def send_due(now=None) -> Round:
    """Send every notice that is due. A failure of one does not keep back the others."""
    result = Round()
    while notice := take_next(now or timezone.now()):
        try:
            message_of(notice).send()
        except NoAddress:
            # Whoever it was for has left; the others have notices of their own.
            notice.delete()
        except (OSError, SMTPException, UnreadableText) as error:
            put_back(notice, error)
            result.failed += 1
        else:
            OutgoingNotice.objects.filter(pk=notice.pk).update(
                sent_at=timezone.now(), last_error=""
            )
            result.sent += 1
    warn_of_stuck_notices()
    return result


def take_next(now: datetime) -> OutgoingNotice | None:
    """Take the notice that is due longest, for LEASE; None when there is none.

    On PostgreSQL workers skip the rows that others hold. On SQLite the change counts only while
    the row is what was read.
    """
    due = OutgoingNotice.objects.filter(sent_at__isnull=True, due_at__lte=now)
    if connection.features.has_select_for_update_skip_locked:
        due = due.select_for_update(skip_locked=True)
    taken = 0
    while not taken:
        with transaction.atomic():
            notice = due.first()
            if notice is None:
                return None
            taken = OutgoingNotice.objects.filter(
                pk=notice.pk, due_at=notice.due_at, attempts=notice.attempts, sent_at__isnull=True
            ).update(due_at=now + LEASE, attempts=F("attempts") + 1)
    notice.attempts += 1
    return notice


def put_back(notice: OutgoingNotice, error: Exception):
    """Try again later, and keep what kind of failure it was."""
    pause = PAUSES[min(notice.attempts, len(PAUSES)) - 1]
    OutgoingNotice.objects.filter(pk=notice.pk).update(
        due_at=timezone.now() + pause, last_error=type(error).__name__
    )


def warn_of_stuck_notices():
    """Name in the log what has failed again and again. One query."""
    stuck = OutgoingNotice.objects.filter(sent_at__isnull=True, attempts__gte=MANY_ATTEMPTS)
    references = sorted(set(stuck.values_list("enquiry__reference", flat=True)))
    if references:
        logger.warning("Notices that cannot be sent, about %s", ", ".join(references))


def message_of(notice: OutgoingNotice) -> EmailMessage:
    """The e-mail, made of what is true now. Raises NoAddress and UnreadableText."""
    enquiry = notice.enquiry
    if notice.user_id:
        reader = readers_of(enquiry.clinic_id).filter(pk=notice.user_id).first()
        address = reader.email if reader else ""
    else:
        address = words_of(enquiry)["email"]
    if not address:
        raise NoAddress
    context = {
        "reference": enquiry.reference,
        "kind": notice.kind,
        "inbox": settings.SITE_URL + reverse("admin:clinics_enquiry_change", args=[enquiry.pk]),
    }
    text = render_to_string("clinics/enquiry_notice.txt", context)
    subject, _blank, body = text.strip().partition("\n\n")
    return EmailMessage(subject=subject, body=body, to=[address])
