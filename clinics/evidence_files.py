"""Files that show that a check was made: what is taken, and what is left when something fails.

A file is kept as it was sent, so that it proves what it proved; nothing of it is decoded to be
shown, and it is handed out only as a download.
"""

import hashlib
import time
import warnings
from dataclasses import dataclass
from pathlib import PurePath

from django.conf import settings
from django.utils.translation import gettext as _
from PIL import Image

from treatments.sealed_form import readable

from .models import CheckEvidence

MAX_BYTES = 10 * 1024 * 1024
# A PDF may have a little before its beginning and after its end; readers look this far.
PDF_MARGIN = 1024
SUFFIXES = {
    CheckEvidence.Kind.PDF: ".pdf",
    CheckEvidence.Kind.JPEG: ".jpg",
    CheckEvidence.Kind.PNG: ".png",
}
TYPES = {
    CheckEvidence.Kind.PDF: "application/pdf",
    CheckEvidence.Kind.JPEG: "image/jpeg",
    CheckEvidence.Kind.PNG: "image/png",
}
# A file that no row names is one whose row is being written, or was never written.
ORPHAN_SECONDS = 24 * 3600
FOLDER = "evidence"


class RefusedFile(Exception):
    """The file cannot be taken. Its text is one sentence for the person who sent it."""


@dataclass(frozen=True)
class AcceptedFile:
    """What is known of a file that may be kept. `size` is in bytes."""

    kind: CheckEvidence.Kind
    name: str
    sha256: str
    size: int


def examine(upload) -> AcceptedFile:
    """Look at an uploaded file (a binary file object with `size` and `name`).

    By its content: its name is not believed. Raises RefusedFile, and only that.
    """
    if upload.size > MAX_BYTES:
        raise RefusedFile(_("This file is too large: it may have at most 10 MB."))
    kind = _kind_of(upload)
    digest = hashlib.sha256()
    upload.seek(0)
    for chunk in upload.chunks():
        digest.update(chunk)
    upload.seek(0)
    name = " ".join(readable(PurePath(upload.name or "").name).split())
    return AcceptedFile(kind, name[:120] or _("without a name"), digest.hexdigest(), upload.size)


def _kind_of(upload) -> CheckEvidence.Kind:
    upload.seek(0)
    head = upload.read(PDF_MARGIN)
    if head.startswith(b"%PDF-"):
        upload.seek(max(0, upload.size - PDF_MARGIN))
        if b"%%EOF" not in upload.read(PDF_MARGIN):
            raise RefusedFile(_("This PDF is incomplete. Save it again."))
        return CheckEvidence.Kind.PDF
    upload.seek(0)
    try:
        with warnings.catch_warnings():
            # Of a very large picture: it is not decoded here.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            image = Image.open(upload, formats=("JPEG", "PNG"))
            found = image.format
    except Exception as error:
        # A header can be damaged in as many ways as there are decoders.
        raise RefusedFile(_("Send a PDF, a JPEG or a PNG. This file is none of them.")) from error
    return CheckEvidence.Kind.JPEG if found == "JPEG" else CheckEvidence.Kind.PNG


def keep(upload, accepted: AcceptedFile, check, user) -> CheckEvidence:
    """Store an examined file with a check that is stored already."""
    upload.seek(0)
    row = CheckEvidence(
        of_check=check,
        kind=accepted.kind,
        name=accepted.name,
        sha256=accepted.sha256,
        size=accepted.size,
        uploaded_by=user,
    )
    # The field names the file itself; all that is taken from here is the ending.
    row.file.save(f"file{SUFFIXES[accepted.kind]}", upload)
    return row


def delete_orphans() -> int:
    """Delete files whose row was never written, a day after they were stored; how many."""
    folder = settings.PRIVATE_ROOT / FOLDER
    if not folder.is_dir():
        return 0
    before = time.time() - ORPHAN_SECONDS
    old = {path.name: path for path in folder.iterdir() if path.stat().st_mtime < before}
    named = CheckEvidence.objects.filter(file__in=[f"{FOLDER}/{name}" for name in old])
    kept = {PurePath(name).name for name in named.values_list("file", flat=True)}
    for name in old.keys() - kept:
        old[name].unlink(missing_ok=True)
    return len(old.keys() - kept)
