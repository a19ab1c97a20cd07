"""How often one visitor may send a form, counted without keeping who it was.

The count stands in the cache under a keyed hash of the address, which nobody can turn back
without the secret key, and is gone after the hour. With a cache in memory each process of the
server counts for itself, so the true limit is at most that many times higher.
"""

from django.core.cache import cache
from django.utils.crypto import salted_hmac

from config.visitor_address import visitor_address

PERIOD_SECONDS = 3600


def may_send(request, form: str, most: int) -> bool:
    """Count this sending of the form named `form`; False once there are more than `most` an hour.

    Visitors of one network share an address, so `most` must leave room for a household or an
    office. Those without an address that can be believed are counted together.
    """
    address = visitor_address(request) or "unknown"
    digest = salted_hmac("mesoguide.limit", f"{form} {address}", algorithm="sha256").hexdigest()
    key = f"sent:{digest}"
    cache.add(key, 0, PERIOD_SECONDS)
    try:
        return cache.incr(key) <= most
    except ValueError:
        # It ran out between the two steps: a new hour begins.
        cache.set(key, 1, PERIOD_SECONDS)
        return most >= 1
