"""What it costs to have the index: building it, keeping it true, and its memory."""

from datetime import date, timedelta

from django.db import connection

from clinics.live_index import LIVE
from clinics.models import Clinic, Offer, Practitioner

from .cases import index_answer
from .mix import mixed
from .timing import Row, milliseconds, resident_mb, row, settle
from .vocabulary import vocabulary

CHECKS = 500
CHANGES = 40
CHANGED = "in turn a price, a name, a practitioner, whether it is published"


def measure(size: int, today: date) -> list[Row]:
    """Build once in a process that has done nothing else, use it, then change clinics."""
    requests = mixed(vocabulary())
    connection.ensure_connection()
    settle()
    before = resident_mb()
    build_ms = milliseconds(lambda: look(today))
    settle()
    built = resident_mb() - before
    with LIVE.on(today) as index:
        for request in requests:
            index_answer(index, request)
    settle()
    in_use = resident_mb() - before
    note = f"{built:.0f} MB after the build, and {in_use:.0f} MB after all requests of the mix"
    rows = [row("build", size, [build_ms], memory_mb=round(in_use, 1), note=note)]
    checks = [milliseconds(lambda: look(today)) for _ in range(CHECKS)]
    rows.append(row("freshness-check", size, checks, note="a view opened, checked and closed"))
    rows.append(row("refresh-one-clinic", size, list(changed(size, today)), note=CHANGED))
    return rows


def look(today: date) -> None:
    """What a request pays to learn that nothing has changed."""
    with LIVE.on(today):
        pass


def changed(size: int, today: date):
    """Change one clinic after another; yield what the next use pays to know of each."""
    step = max(1, size // CHANGES)
    for number in range(CHANGES):
        clinic = Clinic.objects.get(pk=1 + number * step)
        change(clinic, number % 4, today)
        yield milliseconds(lambda: look(today))


def change(clinic: Clinic, kind: int, today: date) -> None:
    """One of four things that editors do."""
    if kind == 0:
        Offer.objects.filter(clinic=clinic, price_low__isnull=False).update(
            price_low=77, price_high=77, price_confirmed_on=today - timedelta(days=1)
        )
    elif kind == 1:
        clinic.name = f"Renamed {clinic.name}"
        clinic.save()
    elif kind == 2:
        Practitioner.objects.create(
            clinic=clinic, name="New Person", profession=Practitioner.Profession.NURSE
        )
    else:
        is_published = clinic.is_published
        clinic.status = Clinic.Status.SUSPENDED if is_published else Clinic.Status.PUBLISHED
        clinic.save()
