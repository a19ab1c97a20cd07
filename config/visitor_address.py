"""From which address a request came, as far as that can be believed."""

import ipaddress

from django.conf import settings

# A household or an office has at least this much of IPv6, so one address of it is as good as all.
IPV6_NETWORK = 64


def visitor_address(request) -> str | None:
    """The visitor's IP address; of IPv6 the network of 64 bits. None when there is none.

    With TRUSTED_PROXIES = n it is the n-th address from the right of X-Forwarded-For: the
    one that the outermost proxy of ours was asked from. A header that is missing, too short
    or no address leaves the address of the connection.
    """
    candidates = [request.META.get("REMOTE_ADDR", "")]
    if settings.TRUSTED_PROXIES:
        hops = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")
        if len(hops) >= settings.TRUSTED_PROXIES:
            candidates.insert(0, hops[-settings.TRUSTED_PROXIES].strip())
    for candidate in candidates:
        try:
            address = ipaddress.ip_address(candidate)
        except ValueError:
            continue
        address = getattr(address, "ipv4_mapped", None) or address
        if address.version == 4:
            return str(address)
        network = ipaddress.IPv6Network((int(address), IPV6_NETWORK), strict=False)
        return str(network.network_address)
    return None
