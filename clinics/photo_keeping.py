"""Photos as a clinic sends them, and the files of those that are no more.

Whatever ends a process, and at whatever moment: every file of a photo has a row that names it,
the photo itself or a `DiscardedPhoto`.
"""

import secrets
from datetime import timedelta

from django.db.models import F, Max
from django.utils import timezone
from django.utils.translation import gettext

from treatments.history import one_change

from .models import Clinic, DiscardedPhoto, Photo, PhotosOfDay
from .photo_folders import delete_files, private_path
from .photos import NotLookedAt, RefusedPhoto, clean

MOST_PHOTOS = 30
# Refused ones count too: each costs the work of looking at it. Where nobody looked none is counted.
MOST_A_DAY = 100


def add_photo(clinic_id: int, upload, user) -> Photo:
    """Store an uploaded file as the last photo of a clinic: a draft, in the user's name.

    Raises RefusedPhoto, with one sentence for the user, and then leaves nothing behind: when the
    file is none that `clean` takes, and when the clinic has MOST_PHOTOS or sent MOST_A_DAY
    today, also if several are sent at the same moment. NotLookedAt is one of these that may go
    better in a minute. Not to be called in a transaction: what names the file must be stored
    before the file.
    """
    _count_as_sent(clinic_id)
    _refuse_one_too_many(clinic_id)
    name = f"{Photo.image.field.upload_to}{secrets.token_hex(16)}.jpg"
    unfinished = DiscardedPhoto.objects.create(image=name)
    try:
        picture = clean(upload, private_path(name))
        with one_change(user):
            # Those who send at the same moment wait here for one another.
            locked = Clinic.objects.select_for_update(no_key=True).filter(pk=clinic_id)
            if locked.first() is None:
                raise RefusedPhoto(gettext("This clinic is not there any more."))
            _refuse_one_too_many(clinic_id)
            last = Photo.objects.filter(clinic=clinic_id).aggregate(last=Max("position"))["last"]
            photo = Photo.objects.create(
                clinic_id=clinic_id,
                image=name,
                width=picture.width,
                height=picture.height,
                position=(last or 0) + 1,
            )
            unfinished.delete()
    except BaseException as error:
        private_path(name).unlink(missing_ok=True)
        DiscardedPhoto.objects.filter(image=name).delete()
        if isinstance(error, NotLookedAt):
            _count_as_not_sent(clinic_id)
        raise
    return photo


def _count_as_sent(clinic_id: int):
    today = PhotosOfDay.objects.get_or_create(clinic_id=clinic_id, day=timezone.localdate())[0]
    counted = PhotosOfDay.objects.filter(pk=today.pk, sent__lt=MOST_A_DAY)
    if not counted.update(sent=F("sent") + 1):
        raise RefusedPhoto(
            gettext("%(most)d photos were sent for this clinic today. Go on tomorrow.")
            % {"most": MOST_A_DAY}
        )


def _count_as_not_sent(clinic_id: int):
    today = PhotosOfDay.objects.filter(clinic=clinic_id, day=timezone.localdate(), sent__gt=0)
    today.update(sent=F("sent") - 1)


def _refuse_one_too_many(clinic_id: int):
    if Photo.objects.filter(clinic=clinic_id).count() >= MOST_PHOTOS:
        raise RefusedPhoto(
            gettext("A clinic may have %(most)d photos. Delete one before you add another.")
            % {"most": MOST_PHOTOS}
        )


def sweep(now=None) -> int:
    """Delete the files of discarded photos that are due; how many photos that were.

    Also forgets the counts of past days. Several may run at once.
    """
    now = now or timezone.now()
    discarded = list(DiscardedPhoto.objects.filter(due_at__lte=now).order_by("due_at"))
    for photo in discarded:
        # Only now: killed in between, it is found again.
        delete_files(photo.image, photo.width)
        DiscardedPhoto.objects.filter(pk=photo.pk).delete()
    PhotosOfDay.objects.filter(day__lt=timezone.localdate(now) - timedelta(days=1)).delete()
    return len(discarded)
