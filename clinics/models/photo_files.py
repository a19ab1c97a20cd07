"""What is written down so that no file of a photo is left behind, and no clinic sends too many."""

from datetime import timedelta

from django.db import models, transaction
from django.db.models.signals import post_delete
from django.dispatch import receiver
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from ..photo_folders import delete_files
from .clinic import Clinic, Photo

# Longer than any upload takes, and than a worker may hold a photo.
GRACE = timedelta(hours=1)


def _after_grace():
    return timezone.now() + GRACE


class DiscardedPhoto(models.Model):
    """Names of files that are to be deleted once `due_at` has passed.

    Of a photo that was deleted; and of an upload from before its first byte is written until its
    photo is stored, so that what a killed process leaves behind is found. `width` is 0 when
    nothing public was made.
    """

    image = models.CharField(max_length=100, unique=True)
    width = models.PositiveIntegerField(default=0)
    due_at = models.DateTimeField(default=_after_grace, db_index=True)

    class Meta:
        verbose_name = _("discarded photo")
        verbose_name_plural = _("discarded photos")

    def __str__(self):
        return self.image


class PhotosOfDay(models.Model):
    """How many photos were sent for a clinic on one day, those that were refused among them."""

    clinic = models.ForeignKey(Clinic, models.CASCADE, related_name="+")
    day = models.DateField()
    sent = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name = _("photos of a day")
        verbose_name_plural = _("photos of a day")
        constraints = [models.UniqueConstraint(fields=["clinic", "day"], name="photos_once_a_day")]

    def __str__(self):
        return f"{self.clinic} · {self.day}"


@receiver(post_delete, sender=Photo)
def discard_files(sender, instance: Photo, **named):
    """The files of a photo go with it, whoever deletes it.

    At once when that is final, and once more later: a worker may be about to write one.
    """
    name, width = instance.image.name, instance.width
    DiscardedPhoto.objects.update_or_create(
        image=name, defaults={"width": width, "due_at": _after_grace()}
    )
    transaction.on_commit(lambda: delete_files(name, width))
