"""How many pictures are decoded at once on this machine, whichever process of the site asks.

A place is a folder below PRIVATE_ROOT that is locked while a picture is decoded. The lock belongs
to whoever has the folder open: the system gives it back when the last of them ends, killed or not.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings

# Each may take 768 MB and a processor, and keeps a worker of the site from its visitors.
PLACES = 2


class AllPlacesTaken(Exception):
    """As many pictures are being decoded as may be."""


@contextmanager
def place_to_decode() -> Iterator[int]:
    """Take a place; inside, the number of an open file for the decoder to keep open.

    Raises AllPlacesTaken at once. Nobody waits here: whoever waited would keep one worker more from
    the visitors, and with twenty pictures at once all of them. The sender's browser can wait.
    """
    place = _free_place()
    try:
        yield place
    finally:
        os.close(place)


def _free_place() -> int:
    for number in range(PLACES):
        # Folders can be locked as files can, and leave no file for which there is no photo.
        folder = settings.PRIVATE_ROOT / "places-to-decode" / str(number)
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        place = os.open(folder, os.O_RDONLY)
        try:
            fcntl.flock(place, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(place)
        else:
            return place
    raise AllPlacesTaken
