"""The e-mails that are due: sent at least once, however often the mail server or a worker fails.

A worker takes a notice by moving its `due_at` on, sends it, and only then marks it as sent. Killed
in between, the notice falls due again. What it says is made at that moment: see clinics/mails.py.
"""

import logging
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from smtplib import SMTPException

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F
from django.db.models.signals import post_save
from django.dispatch import receiver
from django.utils import timezone

from .mails import NobodyToTell, message_of
from .models import OutgoingNotice
from .sealed_text import UnreadableText

# How long a worker has before another one takes the same notice.
LEASE = timedelta(minutes=5)
# After the first failure, the second and so on; the last stays.
PAUSES = [timedelta(minutes=minutes) for minutes in (1, 5, 30, 120, 360)]
SENT_KEPT = timedelta(days=180)
# In a warning of each round, so that somebody looks at it.
MANY_ATTEMPTS = 5

logger = logging.getLogger(__name__)


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
        except NobodyToTell:
            # Whoever it was for has left, or it was settled; others have notices of their own.
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


@receiver(post_save, sender=OutgoingNotice)
def send_soon(sender, created: bool, **named):
    """Start a round beside this request, if the site is one without `run_jobs` (DEBUG)."""
    if created and settings.SENDS_MAILS_ITSELF:
        transaction.on_commit(lambda: threading.Thread(target=_round_of_a_thread).start())


def _round_of_a_thread():
    try:
        send_due()
    finally:
        connection.close()


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


def forget_sent(now: datetime) -> int:
    """Delete what was sent long ago; return how many. What is about a request goes with it."""
    return OutgoingNotice.objects.filter(sent_at__lte=now - SENT_KEPT).delete()[0]


def warn_of_stuck_notices():
    """Name in the log what has failed again and again. One query."""
    stuck = OutgoingNotice.objects.filter(sent_at__isnull=True, attempts__gte=MANY_ATTEMPTS)
    about = set(stuck.values_list("kind", "enquiry__reference", "claim", "invitation", "clinic"))
    if about:
        # A reference or a key: enough to find the row by, and no name or address.
        words = sorted(" ".join(str(part) for part in parts if part) for parts in about)
        logger.warning("Notices that cannot be sent, about %s", ", ".join(words))
