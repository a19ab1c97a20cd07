"""What must be true of database and settings for the directory to be right."""

from django.conf import settings
from django.core.checks import Error
from django.core.checks import Warning as CheckWarning
from django.db import connections
from django.db.migrations.executor import MigrationExecutor

from .change_log import missing_triggers


def change_log_is_complete(app_configs, databases, **options):
    """Refuse a database in which a change could go unlogged: searches would go on as before it.

    Asked by `check --database default` and by `migrate`. A database with migrations of ours to
    come is not judged: they may be what creates the triggers.
    """
    return [
        Error(
            f"Triggers of the change log are missing or off: {', '.join(missing)}.",
            hint=(
                "A migration that alters a watched table must end with install_triggers of "
                "clinics/migrations/0002_change_log.py. Add one that does."
            ),
            id="clinics.E001",
        )
        for database in map(connections.__getitem__, databases or [])
        if not _migrations_to_come(database) and (missing := missing_triggers(database))
    ]


def enquiry_keys_are_real(app_configs, **options):
    """Warn of a development site: what is written into it can be opened by anybody.

    Without keys a public site does not start at all; see config/settings.py.
    """
    if not settings.ENQUIRY_KEYS_ARE_FOR_DEVELOPMENT:
        return []
    return [
        CheckWarning(
            "Requests of patients are sealed with a key that stands in the source code.",
            hint="Set ENQUIRY_KEYS before anybody writes something real; see .env.example.",
            id="clinics.W001",
        )
    ]


def _migrations_to_come(database) -> bool:
    executor = MigrationExecutor(database)
    targets = [node for node in executor.loader.graph.leaf_nodes() if node[0] == "clinics"]
    return bool(executor.migration_plan(targets))
