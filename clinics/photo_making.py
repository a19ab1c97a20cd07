"""Makes the files of photos that patients see, and takes off those they no longer may.

A worker takes a photo by moving its `due_at` on (as in clinics/outbox.py), writes all files, and
only then marks it as ready. Killed in between, the photo falls due again, and the files get the
same names. What is due follows from the photo itself: complete but not public, or public but not
complete; so whoever changes a photo, in whatever way, need not think of the files.
"""

import logging
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F, Q
from django.utils import timezone
from PIL import Image

from .models import Photo
from .photo_folders import delete_files, delete_public_files, private_path, public_path, write_whole
from .photo_keeping import sweep
from .photo_sizes import encode, files_of

# How long a worker has before another one takes the same photo.
LEASE = timedelta(minutes=5)
# After the first failure and the second. After the last one the clinic is told.
PAUSES = [timedelta(minutes=1), timedelta(minutes=10)]
MOST_ATTEMPTS = 3

State = Photo.State
COMPLETE = Q(has_consent=True) & ~Q(alt_text="")
TO_MAKE = COMPLETE & Q(state__in=[State.KEPT, State.ONE_SIZE])
# Among those kept: one that a worker had begun to make public.
BEGUN = Q(state__in=[State.READY, State.ONE_SIZE]) | Q(state=State.KEPT, attempts__gt=0)
TO_TAKE_OFF = Q(state=State.LEAVING) | (~COMPLETE & BEGUN)

logger = logging.getLogger(__name__)


@dataclass
class Round:
    """What one round over the due photos came to."""

    made: int = 0
    taken_off: int = 0
    failed: int = 0


def prepare_due(now=None) -> Round:
    """Bring the files of every photo that is due in line with it, and sweep.

    About two seconds for a photo of twelve million pixels. A failure of one does not keep back
    the others.
    """
    result = Round()
    while photo := take_next(now or timezone.now()):
        try:
            if photo.attempts > MOST_ATTEMPTS:
                # Those before ended without a word: killed, perhaps for what this photo needs.
                raise OSError("each attempt was cut short")
            was_to_make = photo.is_complete and photo.state != State.LEAVING
            (make_public if was_to_make else take_off)(photo)
        except (OSError, ValueError, MemoryError) as error:
            put_back(photo, error, now or timezone.now())
            result.failed += 1
        else:
            result.made += was_to_make
            result.taken_off += not was_to_make
    sweep(now)
    return result


def prepare_soon():
    """Start a round beside this request, if the site is one without `run_jobs` (DEBUG)."""
    if settings.PREPARES_PHOTOS_ITSELF:
        transaction.on_commit(lambda: threading.Thread(target=_round_of_a_thread).start())


def _round_of_a_thread():
    try:
        prepare_due()
    finally:
        connection.close()


def take_next(now: datetime, only: int | None = None) -> Photo | None:
    """Take the photo that is due longest, for LEASE; None when there is none.

    `only` narrows it to the photo with this primary key. On PostgreSQL workers skip the rows
    that others hold. On SQLite the change counts only while the row is what was read.
    """
    due = Photo.objects.filter(TO_MAKE | TO_TAKE_OFF, due_at__lte=now).order_by("due_at", "pk")
    if only is not None:
        due = due.filter(pk=only)
    if connection.features.has_select_for_update_skip_locked:
        due = due.select_for_update(skip_locked=True)
    taken = 0
    while not taken:
        with transaction.atomic():
            photo = due.first()
            if photo is None:
                return None
            # By `update`, here and below: the history is about people's changes.
            taken = Photo.objects.filter(
                pk=photo.pk, due_at=photo.due_at, attempts=photo.attempts
            ).update(due_at=now + LEASE, attempts=F("attempts") + 1)
    photo.due_at = now + LEASE
    photo.attempts += 1
    return photo


def make_public(photo: Photo):
    """Write every size in every format, then let patients see the photo.

    It must have been taken. Raises OSError or ValueError when it cannot be done.
    """
    keep_private_copy(photo)
    with Image.open(private_path(photo.image.name), formats=["JPEG"]) as picture:
        picture.load()
    for file in files_of(photo.image.name, photo.width):
        write_whole(public_path(file.name), encode(picture, file))
    finish(photo, State.READY)


def take_off(photo: Photo):
    """Delete the public files of a photo, which stays as a draft. It must have been taken."""
    keep_private_copy(photo)
    # From here on nobody makes files that are deleted below.
    Photo.objects.filter(pk=photo.pk, due_at=photo.due_at).update(state=State.LEAVING)
    delete_public_files(photo.image.name, photo.width)
    finish(photo, State.KEPT)


def take_off_now(photo_id: int):
    """Take off this photo if it is to be, without waiting for a round. No error if it fails."""
    photo = take_next(timezone.now(), only=photo_id)
    if photo is None:
        return
    if photo.is_complete and photo.state != State.LEAVING:
        finish(photo, photo.state)
        return
    try:
        take_off(photo)
    except OSError as error:
        put_back(photo, error, timezone.now())


def keep_private_copy(photo: Photo):
    """A photo from before there were sizes has only a public file, which is clean already."""
    private = private_path(photo.image.name)
    if photo.state == State.ONE_SIZE and not private.exists():
        write_whole(private, public_path(photo.image.name).read_bytes())


def finish(photo: Photo, state: str):
    """Give the photo back in this state. If it was deleted meanwhile its files go at once."""
    done = Photo.objects.filter(pk=photo.pk, due_at=photo.due_at, attempts=photo.attempts).update(
        state=state, due_at=timezone.now(), attempts=0
    )
    if not done and not Photo.objects.filter(pk=photo.pk).exists():
        delete_files(photo.image.name, photo.width)


def put_back(photo: Photo, error: Exception, now: datetime):
    """Try again later; after the last attempt leave it to the clinic, which sees that it failed."""
    logger.warning("Photo %s could not be prepared: %s", photo.pk, type(error).__name__)
    changes = {"due_at": now + PAUSES[min(photo.attempts, len(PAUSES)) - 1]}
    if photo.attempts >= MOST_ATTEMPTS:
        changes |= {"state": State.DAMAGED, "attempts": 0}
        if private_path(photo.image.name).exists():
            delete_public_files(photo.image.name, photo.width)
    Photo.objects.filter(pk=photo.pk, due_at=photo.due_at).update(**changes)


def try_again(photos):
    """Let workers take these photos, a queryset, again although they failed before."""
    photos.filter(state=State.DAMAGED).update(state=State.KEPT, due_at=timezone.now(), attempts=0)
