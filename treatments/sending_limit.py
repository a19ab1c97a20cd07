"""How much one visitor may send in an hour, counted without keeping who it was.

The count stands in the cache under a keyed hash of the address, which nobody can turn back
without the secret key, and is gone after the hour. With a cache in memory each process of the
server counts for itself, so the true limit is at most that many times higher.
"""

import ipaddress

from django.conf import settings
from django.core.cache import cache
from django.utils.crypto import salted_hmac

SECONDS = 60 * 60


def visitor_address(request) -> str:
    """Where the request came from; of IPv6 the network, for one household has all of it.

    Behind a proxy it is the last address in the header that settings.VISITOR_ADDRESS names:
    those before it are the visitor's own word. "" when it is no address.
    """
    stated = request.META.get(settings.VISITOR_ADDRESS, "").rpartition(",")[2].strip()
    try:
        address = ipaddress.ip_address(stated)
    except ValueError:
        return ""
    if address.version == 4:
        return str(address)
    return str(ipaddress.ip_network((int(address), 64), strict=False))


def may_send(request, purpose: str, limit: int) -> bool:
    """Count one more sending for `purpose`; False when it is beyond `limit` in this hour."""
    digest = salted_hmac(f"mesoguide.limit.{purpose}", visitor_address(request)).hexdigest()
    key = f"limit-{purpose}-{digest[:32]}"
    cache.add(key, 0, SECONDS)
    try:
        return cache.incr(key) <= limit
    except ValueError:
        # It ran out between the two lines: a new hour begins.
        cache.set(key, 1, SECONDS)
        return limit >= 1
