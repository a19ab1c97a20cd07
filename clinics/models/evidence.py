"""What shows that a check was made: a file that editors alone may open."""

from django.conf import settings
from django.db import models, transaction
from django.db.models.signals import post_delete
from django.dispatch import receiver
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from clinics.private_files import private_files, random_name

from .practitioner import Check


class CheckEvidence(models.Model):
    """A file that an editor keeps with a check, exactly as it was sent.

    It may show a licence or a letter with a home address, so neither patients nor the clinic see
    it. See clinics/evidence_files.py for what is taken, and how it goes.
    """

    class Kind(models.TextChoices):
        PDF = "pdf", "PDF"
        JPEG = "jpeg", "JPEG"
        PNG = "png", "PNG"

    # Not "check": a model has a method of this name.
    of_check = models.ForeignKey(
        Check, models.CASCADE, related_name="evidence", verbose_name=_("check"), editable=False
    )
    file = models.FileField(
        storage=private_files, upload_to=random_name, max_length=120, editable=False
    )
    kind = models.CharField(_("kind"), max_length=5, choices=Kind.choices, editable=False)
    name = models.CharField(_("name as sent"), max_length=120, editable=False)
    sha256 = models.CharField("SHA-256", max_length=64, editable=False)
    size = models.PositiveIntegerField(_("size in bytes"), editable=False)
    uploaded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", editable=False
    )
    uploaded_at = models.DateTimeField(_("added"), default=timezone.now, editable=False)

    class Meta:
        ordering = ["uploaded_at", "pk"]
        verbose_name = _("evidence of a check")
        verbose_name_plural = _("evidence of checks")

    def __str__(self):
        return self.name


@receiver(post_delete, sender=CheckEvidence)
def delete_file_after_commit(instance, **_signal):
    """Delete the file once its row is gone for good, with whatever it was deleted."""
    transaction.on_commit(lambda: instance.file.storage.delete(instance.file.name))
