"""Uploaded pictures: checked and cleaned in a process apart, so that none can harm this one.

Nothing of the file that was sent is kept: what is written is drawn anew from its pixels, as
clinics/photo_decoder.py does it. How many are at it at once is in clinics/decoding_places.py.
"""

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from django.utils.translation import gettext_lazy as _

from .decoding_places import AllPlacesTaken, place_to_decode
from .photo_decoder import MAX_BYTES

DECODER = Path(__file__).with_name("photo_decoder.py")
# A WebP of 40 million pixels needs the most; with 512 MB it would be refused.
MEMORY_BYTES = 768 * 1024 * 1024
CPU_SECONDS = 10
# By the clock: a busy machine needs longer than its processor is at work for one picture.
PATIENCE_SECONDS = 20
# Its soft limit and its hard one are the same moment: the one signal arrives or the other.
OUT_OF_TIME = (signal.SIGXCPU, signal.SIGKILL)

DAMAGED = _("This picture is damaged or incomplete. Save it again.")
SENTENCES = {
    "bytes": _("This file is too large: a photo may have at most 15 MB."),
    "pixels": _("This picture has too many pixels: 40 million is the limit. Make it smaller."),
    "format": _("This is not a JPEG, PNG or WebP picture."),
    "moves": _("This picture moves. Send a still one."),
    "memory": _("This picture takes too much memory to open. Make it smaller."),
    "time": _("This picture takes too long to open. Make it smaller."),
    "damaged": DAMAGED,
}
BUSY = _("Many photos are being looked at right now. Send this one again in a minute.")


class RefusedPhoto(Exception):
    """The file cannot be taken. Its text is one sentence for the person who sent it."""


class NotLookedAt(RefusedPhoto):
    """The machine had no time for it. The same file may be taken a minute later."""


@dataclass(frozen=True)
class CleanPhoto:
    """Width and height, in pixels, of the picture that was written."""

    width: int
    height: int


def clean(upload, target: Path) -> CleanPhoto:
    """Write what an uploaded file (a binary file object with a `size`) shows to a new JPEG.

    It stands upright, is in sRGB on white, fits into 1600 by 2400 pixels and carries no
    metadata; only this user of the machine may read it. Raises RefusedPhoto, and then leaves no
    file, when the upload is too large, is no JPEG, PNG or WebP (by content; its name is not
    looked at), moves, or cannot be decoded to its end; NotLookedAt when too many others are
    being looked at. Takes a new process of about a tenth of a second, and up to 20 seconds for
    what is made to take long.
    """
    if upload.size > MAX_BYTES:
        raise RefusedPhoto(str(SENTENCES["bytes"]))
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    upload.seek(0)
    try:
        with (
            place_to_decode() as place,
            os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)) as file,
        ):
            verdict = _ask_decoder(upload.read(), file.fileno(), place)
        if "refused" in verdict:
            raise RefusedPhoto(str(SENTENCES[verdict["refused"]]))
    except AllPlacesTaken as error:
        raise NotLookedAt(str(BUSY)) from error
    except BaseException:
        target.unlink(missing_ok=True)
        raise
    return CleanPhoto(verdict["width"], verdict["height"])


def _ask_decoder(content: bytes, target: int, place: int) -> dict:
    """What the decoder says; "damaged" or "time" when it died before it could say anything.

    It holds on to its `place` as long as it lives, also when this process is killed meanwhile.
    """
    try:
        process = subprocess.run(  # noqa: S603  (our own program, and no shell)
            # Isolated, with an empty environment: whatever a picture does to it learns nothing.
            [sys.executable, "-I", str(DECODER), *map(str, (target, CPU_SECONDS, MEMORY_BYTES))],
            input=content,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={},
            pass_fds=[target, place],
            timeout=PATIENCE_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return {"refused": "time"}
    if -process.returncode in OUT_OF_TIME:
        return {"refused": "time"}
    return {"refused": "damaged"} if process.returncode else json.loads(process.stdout)
