"""What must be true of the settings for the history to be kept."""

from django.apps import apps
from django.core.checks import Error


def nothing_prunes_the_history(app_configs, **options):
    """Refuse the app of django-simple-history: its commands delete versions without a trace.

    Our models need its classes alone.
    """
    if not apps.is_installed("simple_history"):
        return []
    return [
        Error(
            "clean_old_history and clean_duplicate_history would delete versions.",
            hint='Take "simple_history" out of INSTALLED_APPS; nothing needs it there.',
            id="treatments.E001",
        )
    ]
