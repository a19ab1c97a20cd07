"""What must be true of the database for the directory to be right."""

from django.core.checks import Error
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


def _migrations_to_come(database) -> bool:
    executor = MigrationExecutor(database)
    targets = [node for node in executor.loader.graph.leaf_nodes() if node[0] == "clinics"]
    return bool(executor.migration_plan(targets))
