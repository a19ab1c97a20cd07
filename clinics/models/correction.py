"""What a reader tells us is wrong with a listing. Nothing in it says who told it."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from .clinic import Clinic


class CorrectionQuerySet(models.QuerySet):
    def waiting(self):
        """Those that nobody has closed."""
        return self.filter(status=Correction.Status.WAITING)


class Correction(models.Model):
    """One reader's word that something in a listing is wrong, until somebody has looked at it."""

    MOST_LETTERS = 600

    class What(models.TextChoices):
        CLOSED = "closed", _("The clinic has closed or moved")
        PRICE = "price", _("A price")
        HOURS = "hours", _("The opening hours")
        CONTACT = "contact", _("Telephone, e-mail or website")
        PERSON = "person", _("A person who treats there")
        OTHER = "other", _("Something else")

    class Status(models.TextChoices):
        WAITING = "waiting", _("waiting")
        CORRECTED = "corrected", _("it was wrong and is put right")
        RIGHT = "right", _("it is right as it stands")
        UNCLEAR = "unclear", _("nobody can tell from this")

    clinic = models.ForeignKey(Clinic, models.CASCADE, related_name="corrections", editable=False)
    what = models.CharField(_("what is wrong"), max_length=10, choices=What.choices, editable=False)
    words = models.TextField(_("in the reader’s words"), max_length=MOST_LETTERS, editable=False)
    # A form that is sent twice is one correction.
    sending = models.CharField(max_length=64, unique=True, editable=False)
    sent_at = models.DateTimeField(_("sent"), default=timezone.now, editable=False)
    status = models.CharField(
        max_length=10,
        choices=Status.choices,
        default=Status.WAITING,
        help_text=_("Choose how it ended once you have looked. The reader is not told."),
    )
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        editable=False,
    )
    closed_at = models.DateTimeField(_("closed"), null=True, blank=True, editable=False)

    objects = CorrectionQuerySet.as_manager()

    class Meta:
        ordering = ["-sent_at", "-pk"]
        verbose_name = _("correction")
        verbose_name_plural = _("corrections")
        indexes = [
            models.Index(fields=["status", "sent_at"], name="correction_status_sent"),
            models.Index(fields=["sent_at"], name="correction_sent"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(status="waiting", closed_at__isnull=True)
                | (~Q(status="waiting") & Q(closed_at__isnull=False)),
                name="correction_closed_has_time",
            )
        ]

    def __str__(self):
        return f"{self.clinic}: {self.get_what_display()}"
