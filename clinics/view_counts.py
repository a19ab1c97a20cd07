"""How often the page of a clinic is opened: a number for each clinic and day, and nothing else.

Counted in the memory of the process and written together, after the answer has been sent, so that
no visitor waits for it. What a process has not written when it is killed is lost: the views of the
last VIEW_COUNT_SECONDS, or since the last time that anybody asked it for a page. Neither address
nor browser nor time of day is kept. Not counted: programs that say they are, pages that a browser
fetches in case they are wanted, and whoever has a session here, who is staff.
"""

import atexit
import logging
import re
import threading
import time
from collections import Counter
from collections.abc import Iterable
from datetime import date, timedelta

from django.conf import settings
from django.core.signals import request_finished
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from .models import DailyViews

# No more different clinics and days than this wait to be written.
MOST_WAITING = 10_000
KEPT = timedelta(days=400)
# Programs that say so; Cubot makes telephones.
_PROGRAM = re.compile(
    r"(?<!cu)bot|crawl|spider|slurp|preview|fetch|monitor|http|curl|wget|python|java/|ruby|perl|"
    r"headless|lighthouse|scan|archive|feed",
    re.IGNORECASE,
)
# One statement for both databases. Without the clinic, which may be gone, nothing is written.
_ADD = """
    INSERT INTO clinics_dailyviews (clinic_id, day, views)
    SELECT id, %s, %s FROM clinics_clinic WHERE id = %s
    ON CONFLICT (clinic_id, day) DO UPDATE SET views = clinics_dailyviews.views + excluded.views
"""

logger = logging.getLogger(__name__)


class ViewCounter:
    """Views that wait to be written. Safe for threads; each process has its own."""

    def __init__(self):
        self.waiting: Counter[tuple[int, date]] = Counter()
        self.lock = threading.Lock()
        self.written_at = time.monotonic()

    def add(self, clinic_id: int):
        """Count one view of a clinic, today. No query."""
        key = (clinic_id, timezone.localdate())
        with self.lock:
            if key in self.waiting or len(self.waiting) < MOST_WAITING:
                self.waiting[key] += 1

    def write_when_due(self, **_signal):
        """Write what waits, unless that was done a moment ago. For the end of a request."""
        seconds = settings.VIEW_COUNT_SECONDS
        if seconds is None or time.monotonic() - self.written_at < seconds:
            return
        self.write()

    def write(self):
        """Add what waits to the rows of its days; if the database cannot, it waits on."""
        with self.lock:
            waiting, self.waiting = self.waiting, Counter()
            self.written_at = time.monotonic()
        if not waiting:
            return
        # In one order, so that two workers never wait for each other.
        rows = [(day, views, clinic) for (clinic, day), views in sorted(waiting.items())]
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.executemany(_ADD, rows)
        except DatabaseError as error:
            logger.warning("Views were not written and wait: %s", type(error).__name__)
            with self.lock:
                self.waiting.update(waiting)


VIEWS = ViewCounter()


def write_at_the_end():
    """Write what waits when the process ends in good order."""
    if settings.VIEW_COUNT_SECONDS is not None:
        VIEWS.write()


atexit.register(write_at_the_end)
request_finished.connect(VIEWS.write_when_due, weak=False, dispatch_uid="clinics.view_counts")


def count_view(request, clinic_id: int):
    """Count this request as a view of the clinic, if a person made it who is not staff.

    Looks at the request's own words only: no session is read, and no answer varies by it.
    """
    told = request.headers
    is_person = bool(told.get("User-Agent")) and not _PROGRAM.search(told["User-Agent"])
    is_wanted = "prefetch" not in told.get("Sec-Purpose", told.get("Purpose", ""))
    is_staff = settings.SESSION_COOKIE_NAME in request.COOKIES
    if request.method == "GET" and is_person and is_wanted and not is_staff:
        VIEWS.add(clinic_id)


def views_by_day(clinic_id: int, since: date) -> Iterable[tuple[date, int]]:
    """The days from `since` on with their views, those without any left out. One query."""
    days = DailyViews.objects.filter(clinic=clinic_id, day__gte=since)
    return days.order_by("day").values_list("day", "views")


def forget_old_views(today: date) -> int:
    """Delete the numbers of days that nobody looks at any more; return how many."""
    return DailyViews.objects.filter(day__lt=today - KEPT).delete()[0]
