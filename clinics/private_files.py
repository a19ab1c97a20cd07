"""Files that no address leads to: below PRIVATE_ROOT, outside what the web server hands out."""

import secrets
from pathlib import Path

from django.conf import settings
from django.core.files.storage import FileSystemStorage
from django.utils.deconstruct import deconstructible


@deconstructible
class PrivateStorage(FileSystemStorage):
    """Files below `settings.PRIVATE_ROOT`, read by the site's own user alone.

    The folder is looked up at each use. There is no address: `url` raises ValueError.
    """

    def __init__(self):
        super().__init__(file_permissions_mode=0o600, directory_permissions_mode=0o700)

    @property
    def base_location(self):
        return settings.PRIVATE_ROOT

    @property
    def location(self):
        return str(Path(settings.PRIVATE_ROOT).absolute())

    def url(self, name):
        """Refuse: a view that asks who it is hands these files out."""
        raise ValueError("A private file has no address.")


def private_files() -> PrivateStorage:
    """The storage, for a field of a model."""
    return PrivateStorage()


def random_name(_row, name: str) -> str:
    """Where evidence is stored: a name that nobody can guess, and the ending of `name`."""
    return f"evidence/{secrets.token_hex(20)}{Path(name).suffix}"
