"""Lists in the admin that show one clinic alone: their addresses, and what those mean."""

from urllib.parse import urlencode

from django.urls import reverse

# What the address calls the clinic, by its primary key.
PARAMETER = "clinic"
# As many digits as every database takes for a key.
MOST_DIGITS = 18


def list_of(route: str, clinic_id: int, **query: str) -> str:
    """The address of a list of the admin, such as "admin:clinics_offer_changelist", for a clinic.

    `query` is what else the address says.
    """
    return f"{reverse(route)}?{urlencode({PARAMETER: clinic_id, **query})}"


def is_narrowed(query) -> bool:
    """Whether an address, of which this is the QueryDict, names a clinic, be it well or badly."""
    return query.get(PARAMETER, "") != ""


def clinic_asked_for(query) -> int | None:
    """The key of the clinic that an address names; None for none, and for what cannot be a key."""
    key = query.get(PARAMETER, "")
    is_key = key.isascii() and key.isdecimal() and len(key) <= MOST_DIGITS
    return int(key) if is_key else None


def rows_asked_for(query, rows):
    """Of rows with a `clinic` those of the clinic that an address names; all when it names none.

    Whose rows they may be is asked before. A clinic of somebody else, one that never was and what
    is no key are all the same: no rows. Runs no query.
    """
    if not is_narrowed(query):
        return rows
    key = clinic_asked_for(query)
    return rows.none() if key is None else rows.filter(clinic=key)
