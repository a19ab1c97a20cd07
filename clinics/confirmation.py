"""“Everything still correct”, and what happens when nobody says so for a long time.

A price has the date on which the clinic last stood by it. Its people are told when the oldest one
is 150, 180 and 240 days old: before patients see it in amber, when they do, and when it no longer
counts in the order by price (see clinics/models/offer.py).
"""

from datetime import date, timedelta

from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import Min, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from treatments.history import CHANGED, one_change

from .daily_jobs import begin_day
from .models import Clinic, Offer, OutgoingNotice, PriceReminder
from .models.offer import FRESH_DAYS, STALE_DAYS
from .review import waiting_rows

# Ages of the oldest price, in days, at which the people of a clinic are told.
REMINDED_AT = (150, FRESH_DAYS, STALE_DAYS)
STATES_A_PRICE = Q(price_low__isnull=False) | Q(course_price__isnull=False)
OLDEST_PRICE = Min(
    "offers__price_confirmed_on",
    filter=Q(offers__treatment__is_published=True)
    & (Q(offers__price_low__isnull=False) | Q(offers__course_price__isnull=False)),
)


def confirm_all(clinics, user) -> list[Clinic]:
    """Date the word of these clinics, and the prices they state, with today; return them.

    `clinics` is a queryset of those that this person may edit. A price of which a change waits is
    left out: the clinic has said that it is not correct. Some twenty queries, whatever the number.
    """
    today, now = timezone.localdate(), timezone.now()
    with one_change(user, str(_("Everything still correct."))) as change:
        confirmed = list(clinics.order_by("pk"))
        ids = [clinic.pk for clinic in confirmed]
        offers = list(
            Offer.objects.filter(STATES_A_PRICE, clinic__in=ids).exclude(pk__in=waiting_rows(Offer))
        )
        change.keep_before(Clinic, ids)
        change.keep_before(Offer, [offer.pk for offer in offers])
        # Written past `save`, so the stamp that caches and the site map read goes along.
        Clinic.objects.filter(pk__in=ids).update(
            confirmed_on=today, confirmed_by=user, updated_at=now
        )
        Offer.objects.filter(pk__in=[offer.pk for offer in offers]).update(price_confirmed_on=today)
        for row in [*confirmed, *offers]:
            change.note(row, CHANGED)
        # They were about dates that no price has any more.
        PriceReminder.objects.filter(clinic__in=ids).delete()
    return confirmed


def oldest_price_of(clinic: Clinic) -> date | None:
    """The earliest date of a price that patients see; None without one. One query."""
    return Clinic.objects.filter(pk=clinic.pk).aggregate(oldest=OLDEST_PRICE)["oldest"]


def remind(today: date) -> int:
    """Write the reminders that are due, once a day; return how many clinics get one.

    Of several ages that were passed since, only the last is told. Clinics whose people have no
    address wait until somebody has one.
    """
    with transaction.atomic():
        if not begin_day("price-reminders", today):
            return 0
        due = _due(today)
        readers = _readers([reminder.clinic_id for reminder in due])
        due = [reminder for reminder in due if reminder.clinic_id in readers]
        PriceReminder.objects.bulk_create(due)
        OutgoingNotice.objects.bulk_create(
            OutgoingNotice(
                kind=OutgoingNotice.Kind.PRICES_AGEING, clinic_id=reminder.clinic_id, user_id=reader
            )
            for reminder in due
            for reader in readers[reminder.clinic_id]
        )
    return len(due)


def _due(today: date) -> list[PriceReminder]:
    """The reminders to write, without those that were written before. Two queries."""
    aged = (
        Clinic.objects.published()
        .annotate(oldest=OLDEST_PRICE)
        .filter(oldest__lte=today - timedelta(days=REMINDED_AT[0]))
        .order_by("pk")
        .values_list("pk", "oldest")
    )
    written = set(PriceReminder.objects.values_list("clinic", "confirmed_on", "days"))
    due = []
    for clinic_id, oldest in aged:
        days = max(days for days in REMINDED_AT if oldest <= today - timedelta(days=days))
        if (clinic_id, oldest, days) not in written:
            due.append(PriceReminder(clinic_id=clinic_id, confirmed_on=oldest, days=days))
    return due


def _readers(clinic_ids) -> dict[int, list[int]]:
    """The keys of the people to tell, by clinic. One query."""
    people = get_user_model().objects.filter(
        memberships__clinic__in=clinic_ids, is_active=True, is_staff=True
    )
    found: dict[int, list[int]] = {}
    for clinic_id, user_id in people.exclude(email="").values_list("memberships__clinic", "pk"):
        found.setdefault(clinic_id, []).append(user_id)
    return found
