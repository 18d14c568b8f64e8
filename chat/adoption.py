"""A guest who signs in keeps what was said: the browser's conversations and pictures become the account's."""

from typing import TYPE_CHECKING

from django.contrib.auth.signals import user_logged_in
from django.http import HttpRequest

from chat.models import Attachment, Conversation
from chat.visitors import GUEST_SESSION_KEY

if TYPE_CHECKING:
    from accounts.models import User


def adopt(user: "User", guest_key: str) -> int:
    """Give a guest's conversations and pictures to an account; return how many conversations."""
    if not guest_key:
        return 0
    Attachment.objects.filter(user=None, guest_key=guest_key).update(user=user, guest_key="")
    return Conversation.objects.filter(user=None, guest_key=guest_key).update(user=user, guest_key="")


def _on_sign_in(sender: object, request: HttpRequest | None, user: "User", **kwargs: object) -> None:
    if request is not None:  # None: signed in by a script, which has no browser
        adopt(user, str(request.session.pop(GUEST_SESSION_KEY, "")))


def connect() -> None:
    """Listen for sign-ins and sign-ups (Django's own signal; both send it)."""
    user_logged_in.connect(_on_sign_in, dispatch_uid="chat.adoption")
