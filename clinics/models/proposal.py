"""What a clinic's staff have sent in, until somebody has decided on it."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from .clinic import Clinic


class ProposalQuerySet(models.QuerySet):
    def waiting(self):
        """Those on which nobody has decided."""
        return self.filter(status=Proposal.Status.WAITING)

    def open(self):
        """Those that the clinic's staff still have before them: waiting, or returned."""
        return self.filter(status__in=Proposal.OPEN)


class Proposal(models.Model):
    """A change of one row of a listing that patients do not see yet.

    `proposed` and `based_on` map names of fields to texts as clinics/review.py writes them (None
    for nothing, a list of keys for a many-to-many field); they hold what differs, and for an
    addition or a removal the whole row. `based_on` is what was public when it was sent.
    `name` is what the row is called, for it may be gone.
    """

    class Subject(models.TextChoices):
        CLINIC = "clinic", _("about the clinic")
        OFFER = "offer", _("offer")
        PRACTITIONER = "practitioner", _("practitioner")

    class Kind(models.TextChoices):
        CHANGE = "change", _("change")
        ADD = "add", _("new")
        REMOVE = "remove", _("to be removed")

    class Status(models.TextChoices):
        WAITING = "waiting", _("waiting")
        APPROVED = "approved", _("approved")
        RETURNED = "returned", _("returned")
        REPLACED = "replaced", _("returned, then sent anew")
        WITHDRAWN = "withdrawn", _("taken back")

    OPEN = (Status.WAITING, Status.RETURNED)

    clinic = models.ForeignKey(Clinic, models.CASCADE, related_name="proposals")
    subject = models.CharField(_("what"), max_length=15, choices=Subject.choices)
    kind = models.CharField(_("kind"), max_length=10, choices=Kind.choices)
    # No reference: an editor may delete the row meanwhile, and it is of one of several tables.
    row_id = models.BigIntegerField(null=True)
    # The row, or for an addition what no two rows of a clinic share.
    row_key = models.CharField(max_length=300)
    name = models.CharField(_("name"), max_length=300)
    proposed = models.JSONField()
    based_on = models.JSONField()
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        related_name="+",
        verbose_name=_("sent by"),
    )
    origin = models.CharField(
        _("from"), max_length=200, blank=True, help_text=_("A file that was imported, if any.")
    )
    why = models.CharField(
        _("why"), max_length=500, blank=True, help_text=_("What the clinic says about it.")
    )
    created_at = models.DateTimeField(_("waiting since"), default=timezone.now)
    sent_at = models.DateTimeField(_("last sent"), default=timezone.now)
    status = models.CharField(
        _("status"), max_length=10, choices=Status.choices, default=Status.WAITING
    )
    reason = models.TextField(_("reason"), blank=True, max_length=1000)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        related_name="+",
        verbose_name=_("decided by"),
    )
    decided_at = models.DateTimeField(_("decided"), null=True)

    objects = ProposalQuerySet.as_manager()

    class Meta:
        ordering = ["created_at", "pk"]
        verbose_name = _("change to review")
        verbose_name_plural = _("changes to review")
        indexes = [
            models.Index(fields=["status", "created_at"], name="proposal_status_created"),
            models.Index(fields=["clinic", "status"], name="proposal_clinic_status"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["clinic", "subject", "row_key"],
                condition=Q(status__in=["waiting", "returned"]),
                name="proposal_one_open_a_row",
            ),
            models.CheckConstraint(
                condition=Q(kind="add", row_id__isnull=True)
                | (~Q(kind="add") & Q(row_id__isnull=False)),
                name="proposal_of_a_row_or_new",
            ),
            models.CheckConstraint(
                condition=~Q(status="returned") | ~Q(reason=""),
                name="proposal_returned_has_reason",
            ),
            models.CheckConstraint(
                condition=Q(status="waiting", decided_at__isnull=True)
                | (~Q(status="waiting") & Q(decided_at__isnull=False)),
                name="proposal_decided_has_time",
            ),
        ]

    def __str__(self):
        return self.name

    @property
    def is_waiting(self) -> bool:
        """The same meaning as `ProposalQuerySet.waiting()`."""
        return self.status == self.Status.WAITING

    @property
    def is_open(self) -> bool:
        """The same meaning as `ProposalQuerySet.open()`."""
        return self.status in self.OPEN
