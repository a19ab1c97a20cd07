"""What happens to a reader's word that a listing is wrong: stored once, closed once, deleted.

Nothing says who sent it, so nobody can be told how it ended. The people of the clinic and
moderators read it; either may close it. The clinic hears of it by mail, once a day at most.
"""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from treatments.permissions import is_moderator

from .enquiries import readers_of
from .models import Clinic, Correction, OutgoingNotice
from .permissions import clinics_as_member

# Then it is deleted, closed or not.
KEPT = timedelta(days=180)
# Of one listing at one time: a flood must not bury what people write.
MOST_WAITING = 50
# Between two mails about one clinic to one person.
BETWEEN_MAILS = timedelta(days=1)


def corrections_of(user):
    """The corrections that this person reads, as a queryset: of own clinics; moderators, all."""
    if is_moderator(user):
        return Correction.objects.all()
    return Correction.objects.filter(clinic__in=clinics_as_member(user))


def store(clinic, what: str, words: str, sending: str) -> bool:
    """Store a correction, once a form, with the notices of it; False when too many wait.

    Some ten queries, and one for each person who is told.
    """
    with transaction.atomic():
        # Those who send at the same moment wait here for one another.
        if Clinic.objects.select_for_update(no_key=True).filter(pk=clinic.pk).first() is None:
            return False
        if Correction.objects.filter(sending=sending).exists():
            return True
        if clinic.corrections.waiting().count() >= MOST_WAITING:
            return False
        Correction.objects.create(clinic=clinic, what=what, words=words, sending=sending)
        _tell_clinic(clinic)
    return True


def _tell_clinic(clinic):
    """A notice for each reader without one that waits, not earlier than a day after their last.

    So a flood is one mail a day, and what comes after the mail of a day is told on the next.
    """
    notices = clinic.notices.filter(kind=OutgoingNotice.Kind.CORRECTION)
    last = dict(
        notices.filter(sent_at__isnull=False)
        .values_list("user")
        .annotate(Max("sent_at"))
        .order_by()
    )
    waiting = notices.filter(sent_at__isnull=True)
    now = timezone.now()
    for reader in readers_of(clinic.pk).exclude(email="").exclude(pk__in=waiting.values("user")):
        due_at = max(now, last[reader.pk] + BETWEEN_MAILS) if reader.pk in last else now
        OutgoingNotice.objects.create(
            kind=OutgoingNotice.Kind.CORRECTION, clinic=clinic, user=reader, due_at=due_at
        )


def close(correction, user, status: str) -> bool:
    """Say how it ended; False when somebody else has said so before. One query."""
    changes = {"status": status, "closed_by": user, "closed_at": timezone.now()}
    return bool(Correction.objects.waiting().filter(pk=correction.pk).update(**changes))


def delete_expired(now: datetime) -> int:
    """Delete the corrections whose time is over; return how many."""
    return Correction.objects.filter(sent_at__lte=now - KEPT).delete()[0]
