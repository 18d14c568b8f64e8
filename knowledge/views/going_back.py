"""Where a form goes on to: an address of ours, or nothing."""

from django.core.exceptions import BadRequest
from django.http import HttpRequest
from django.utils.http import url_has_allowed_host_and_scheme


def our_url(request: HttpRequest, url: str) -> str:
    """Return an address if it is one of this site; "" for any other. Raises: BadRequest for a broken one."""
    if "\\" in url or any(ord(char) < 32 for char in url):
        raise BadRequest
    is_ours = url_has_allowed_host_and_scheme(
        url, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return url if is_ours else ""
