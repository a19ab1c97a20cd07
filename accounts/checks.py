"""What must be true of accounts before the site is open to the public."""

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.checks import Error
from django.db import DatabaseError


def no_demonstration_accounts(app_configs, databases, **options):
    """Refuse a database that holds accounts whose password is public.

    Asked by `check --deploy --database default`. A database without tables holds none.
    """
    if settings.DEBUG or not databases:
        return []
    users = get_user_model().objects.filter(is_demonstration=True).order_by("username")
    try:
        names = list(users.values_list("username", flat=True))
    except DatabaseError:
        return []
    if not names:
        return []
    return [
        Error(
            f"Demonstration accounts are in the database: {', '.join(names)}.",
            hint="They cannot sign in while DEBUG is off. Delete them all the same.",
            id="accounts.E001",
        )
    ]
