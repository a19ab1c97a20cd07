"""A file of many rows that somebody sent in, and what the check found in it."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class BulkImport(models.Model):
    """One file, from the upload until what it says is stored.

    `problem` says why nothing of it can be or was imported. `as_editor` is by whose rights it was
    checked. `leased_until` is when another worker may take it, if the first has not ended.
    """

    class SheetName(models.TextChoices):
        CLINICS = "clinics", _("clinics")
        OFFERS = "offers", _("offers")

    class State(models.TextChoices):
        WAITING = "waiting", _("to be checked")
        CHECKED = "checked", _("checked: look at it")
        QUEUED = "queued", _("to be imported")
        DONE = "done", _("imported")
        STOPPED = "stopped", _("nothing imported")
        REFUSED = "refused", _("cannot be read")

    class Mode(models.TextChoices):
        ALL = "all", _("all or nothing")
        GOOD = "good", _("the rows without errors")

    # In these a worker has something to do.
    AT_WORK = (State.WAITING, State.QUEUED)

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", verbose_name=_("sent by")
    )
    sheet = models.CharField(_("what"), max_length=10, choices=SheetName.choices)
    file_name = models.CharField(_("file"), max_length=150)
    # The name under which the file is kept; no part of it is the sender's.
    token = models.CharField(max_length=40, unique=True)
    state = models.CharField(
        _("state"), max_length=10, choices=State.choices, default=State.WAITING
    )
    mode = models.CharField(max_length=10, choices=Mode.choices, blank=True)
    as_editor = models.BooleanField(default=False)
    problem = models.TextField(blank=True)
    notes = models.JSONField(default=list)
    new = models.PositiveIntegerField(default=0)
    changed = models.PositiveIntegerField(default=0)
    unchanged = models.PositiveIntegerField(default=0)
    refused = models.PositiveIntegerField(default=0)
    attempts = models.PositiveSmallIntegerField(default=0)
    leased_until = models.DateTimeField(default=timezone.now)
    created_at = models.DateTimeField(_("sent"), default=timezone.now)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-created_at", "-pk"]
        verbose_name = _("import of a file")
        verbose_name_plural = _("imports of files")
        indexes = [
            models.Index(
                fields=["leased_until"],
                condition=Q(state__in=["waiting", "queued"]),
                name="bulk_import_due",
            )
        ]

    def __str__(self):
        return self.file_name

    @property
    def is_at_work(self) -> bool:
        """Whether a worker has something to do with it."""
        return self.state in self.AT_WORK

    @property
    def to_write(self) -> int:
        """How many rows the check would write."""
        return self.new + self.changed


class BulkLine(models.Model):
    """What the check found in one row of a file; rows that change nothing are only counted.

    `changes` are [column, text before, text after]; `problems` [column or "", message]. `seen` is
    a digest of all that stood in the database for this row when it was checked.
    """

    class Result(models.TextChoices):
        NEW = "new", _("new")
        CHANGED = "changed", _("changed")
        REFUSED = "refused", _("refused")

    class Outcome(models.TextChoices):
        WRITTEN = "written", _("imported")
        SENT = "sent", _("sent in for review")
        REFUSED = "refused", _("not imported")

    bulk_import = models.ForeignKey(BulkImport, models.CASCADE, related_name="lines")
    number = models.PositiveIntegerField()
    result = models.CharField(max_length=10, choices=Result.choices)
    key = models.JSONField()
    name = models.CharField(max_length=250)
    changes = models.JSONField(default=list)
    problems = models.JSONField(default=list)
    seen = models.CharField(max_length=32, blank=True)
    outcome = models.CharField(max_length=10, choices=Outcome.choices, blank=True)
    remark = models.TextField(blank=True)

    class Meta:
        ordering = ["number"]
        verbose_name = _("row of a file")
        verbose_name_plural = _("rows of files")
        indexes = [
            models.Index(fields=["bulk_import", "result", "number"], name="bulk_line_result"),
            models.Index(fields=["bulk_import", "number"], name="bulk_line_number"),
        ]

    def __str__(self):
        return f"{self.number}: {self.name}"
