import gc
import logging
import os
from pathlib import Path

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.db import DatabaseError, connections
from django.utils import timezone

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

application = get_wsgi_application()

# After Django is set up, because it imports models.
from clinics.live_index import LIVE  # noqa: E402


def prepare() -> None:
    """Have the directory's index in memory before workers are made, which then share it."""
    snapshot = Path(settings.INDEX_SNAPSHOT) if settings.INDEX_SNAPSHOT else None
    try:
        LIVE.prepare(timezone.localdate(), snapshot)
    except (DatabaseError, OSError) as error:
        logging.getLogger(__name__).warning(
            "The index of the directory was not prepared, the first visitor waits for it: %s", error
        )
    finally:
        # A connection must not be shared between processes.
        connections.close_all()
    gc.collect()
    gc.freeze()


prepare()
