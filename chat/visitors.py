"""Who is talking: a signed-in person, or a guest known by the browser's session."""

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

if TYPE_CHECKING:
    from django.contrib.sessions.backends.base import SessionBase

GUEST_SESSION_KEY = "guest"


class _Caller(Protocol):
    @property
    def user(self) -> AbstractBaseUser | AnonymousUser: ...
    @property
    def session(self) -> "SessionBase": ...


@dataclass(frozen=True, slots=True)
class Visitor:
    """A signed-in person (user_id) or a guest (guest_key, a secret of the browser's session)."""

    user_id: int | None = None
    guest_key: str = ""

    @property
    def owner(self) -> str:
        """Who jobs and sends are counted for."""
        return f"u:{self.user_id}" if self.user_id is not None else f"g:{self.guest_key}"

    @property
    def is_known(self) -> bool:
        """Whether anything can belong to this visitor."""
        return self.user_id is not None or bool(self.guest_key)


def visitor_of(user: AbstractBaseUser | AnonymousUser, session: "SessionBase") -> Visitor:
    """Return who a request or socket belongs to; a guest only after `ensure_guest`."""
    if user.is_authenticated and user.pk is not None:
        return Visitor(user_id=int(user.pk))
    return Visitor(guest_key=str(session.get(GUEST_SESSION_KEY, "")))


def ensure_guest(request: _Caller) -> Visitor:
    """Return who the request belongs to, giving a guest a key of their own first."""
    if not request.user.is_authenticated and GUEST_SESSION_KEY not in request.session:
        request.session[GUEST_SESSION_KEY] = secrets.token_urlsafe(24)
    return visitor_of(request.user, request.session)
