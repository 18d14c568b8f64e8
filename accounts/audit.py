"""Who looked at what: one row each time, added in the transaction of the thing itself."""

from django.http import HttpRequest

from accounts.addresses import client_address
from accounts.models import AuditEntry, User


def record(request: HttpRequest, verb: str, subject: str) -> AuditEntry:
    """Write down that the signed-in person did `verb` to `subject`."""
    actor = request.user if isinstance(request.user, User) else None
    return AuditEntry.objects.create(
        actor=actor, verb=verb, subject=subject, address=client_address(request) or None
    )
