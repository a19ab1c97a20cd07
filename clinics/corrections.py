"""What happens to a reader's word that a listing is wrong: stored once, closed once, deleted.

Nothing says who sent it, so nobody can be told how it ended. The people of the clinic and
moderators read it; either may close it.
"""

from datetime import datetime, timedelta

from django.utils import timezone

from treatments.permissions import is_moderator

from .models import Correction
from .permissions import clinics_as_member

# Then it is deleted, closed or not.
KEPT = timedelta(days=180)
# Of one listing at one time: a flood must not bury what people write.
MOST_WAITING = 50


def corrections_of(user):
    """The corrections that this person reads, as a queryset: of own clinics; moderators, all."""
    if is_moderator(user):
        return Correction.objects.all()
    return Correction.objects.filter(clinic__in=clinics_as_member(user))


def store(clinic, what: str, words: str, sending: str) -> bool:
    """Store a correction, once a form; False when too many of this clinic wait. Three queries."""
    if Correction.objects.filter(sending=sending).exists():
        return True
    if clinic.corrections.waiting().count() >= MOST_WAITING:
        return False
    Correction.objects.get_or_create(
        sending=sending, defaults={"clinic": clinic, "what": what, "words": words}
    )
    return True


def close(correction, user, status: str) -> bool:
    """Say how it ended; False when somebody else has said so before. One query."""
    changes = {"status": status, "closed_by": user, "closed_at": timezone.now()}
    return bool(Correction.objects.waiting().filter(pk=correction.pk).update(**changes))


def delete_expired(now: datetime) -> int:
    """Delete the corrections whose time is over; return how many."""
    return Correction.objects.filter(sent_at__lte=now - KEPT).delete()[0]
