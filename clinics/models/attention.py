"""How often a listing is looked at, which reminders went out, and what was done today."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from .clinic import Clinic


class DailyViews(models.Model):
    """How often a clinic's page was opened on one day (UTC). Nothing of who opened it.

    clinics/view_counts.py writes it.
    """

    clinic = models.ForeignKey(Clinic, models.CASCADE, related_name="daily_views")
    day = models.DateField()
    views = models.PositiveIntegerField()

    class Meta:
        ordering = ["clinic", "day"]
        default_permissions = ()
        verbose_name = _("views on a day")
        verbose_name_plural = _("views by day")
        constraints = [
            models.UniqueConstraint(fields=["clinic", "day"], name="views_once_a_day"),
        ]

    def __str__(self):
        return f"{self.clinic} · {self.day}: {self.views}"


class PriceReminder(models.Model):
    """That the people of a clinic were told how old their oldest price is.

    `confirmed_on` is the date of that price and `days` the age at which they are told. Written
    with the notices themselves, so that nobody is told twice.
    """

    clinic = models.ForeignKey(Clinic, models.CASCADE, related_name="price_reminders")
    confirmed_on = models.DateField()
    days = models.PositiveSmallIntegerField()

    class Meta:
        default_permissions = ()
        verbose_name = _("reminder of a price")
        verbose_name_plural = _("reminders of prices")
        constraints = [
            models.UniqueConstraint(
                fields=["clinic", "confirmed_on", "days"], name="price_reminder_once"
            ),
        ]

    def __str__(self):
        return f"{self.clinic} · {self.confirmed_on} · {self.days}"


class DailyJob(models.Model):
    """The last day (UTC) on which a job that runs once a day has run."""

    name = models.CharField(max_length=30, primary_key=True)
    last_on = models.DateField()

    class Meta:
        default_permissions = ()
        verbose_name = _("daily job")
        verbose_name_plural = _("daily jobs")

    def __str__(self):
        return f"{self.name} · {self.last_on}"
