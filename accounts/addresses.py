"""Where a request comes from, when a proxy stands before the site."""

from ipaddress import ip_address, ip_network

from django.conf import settings
from django.http import HttpRequest


def _is_trusted(address: str) -> bool:
    try:
        found = ip_address(address)
    except ValueError:
        return False
    return any(found in ip_network(proxy, strict=False) for proxy in settings.TRUSTED_PROXIES)


def client_address(request: HttpRequest) -> str:
    """Return the caller's address: the last one that no trusted proxy of ours vouches for.

    What a caller writes into X-Forwarded-For counts only behind an address of TRUSTED_PROXIES.
    """
    address = str(request.META.get("REMOTE_ADDR", ""))
    hops = [hop.strip() for hop in str(request.META.get("HTTP_X_FORWARDED_FOR", "")).split(",")]
    while hops and _is_trusted(address):
        hop = hops.pop()
        try:
            ip_address(hop)
        except ValueError:
            break
        address = hop
    return address
