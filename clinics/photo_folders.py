"""Where the files of photos lie: the private copy that no web server sees, and the public ones.

No database. The private copy is what all public files are made from. It is already clean
(clinics/photos.py) and is kept as long as its photo: one whose people withdraw their consent can
go from the public folder at once, and come back.
"""

from pathlib import Path

from django.conf import settings
from django.core.files.storage import default_storage

from .photo_sizes import files_of

# Beside a file while it is written.
UNFINISHED_ENDING = ".part"


def private_path(image_name: str) -> Path:
    """Where the private copy of the photo with this `image` lies."""
    return settings.PRIVATE_ROOT / "photos" / Path(image_name).name


def public_path(file_name: str) -> Path:
    """Where a public file lies, by its name as `files_of` gives it."""
    return Path(default_storage.path(file_name))


def write_whole(path: Path, content: bytes):
    """Write a file so that its name stands for all of it or for what was there before."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(path.name + UNFINISHED_ENDING)
    unfinished.write_bytes(content)
    unfinished.replace(path)


def delete_file(path: Path):
    """Delete a file, whole or half written, if it is there."""
    path.unlink(missing_ok=True)
    path.with_name(path.name + UNFINISHED_ENDING).unlink(missing_ok=True)


def delete_files(image_name: str, width: int):
    """Delete what there is of the files of a photo; `width` 0 stands for the private one only."""
    delete_file(private_path(image_name))
    if width:
        delete_public_files(image_name, width)


def delete_public_files(image_name: str, width: int):
    """Delete what there is of the files that patients see."""
    for file in files_of(image_name, width):
        delete_file(public_path(file.name))
