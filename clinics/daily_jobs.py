"""Jobs that run once a day, whichever of the workers comes first."""

from datetime import date

from .models import DailyJob

LONG_AGO = date(2000, 1, 1)


def begin_day(name: str, today: date) -> bool:
    """Whether the job `name` has still to run on the day `today`; from now on it has run.

    Call it inside the transaction of the job: when that fails, the job has not run. On PostgreSQL
    a second worker waits here until the first has finished. At most four queries.
    """
    DailyJob.objects.get_or_create(name=name, defaults={"last_on": LONG_AGO})
    return bool(DailyJob.objects.filter(name=name, last_on__lt=today).update(last_on=today))
