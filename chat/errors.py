"""What can go wrong in a chat.

ChatError                 code chat_error
├── NotFound              not_found           no such row, or somebody else's: the two look the same
├── ConversationBusy      conversation_busy   a reply is still being written here (retryable)
├── StaleParent           stale_parent        the message answered to is gone or not the right kind
├── Empty                 empty               nothing was written
├── TooLong               too_long            more characters than one message may have
├── AttachmentGone        attachment_gone     no such picture, somebody else's, or sent already
├── TooManyImages         too_many_images     more pictures than one question may have
├── RateLimited           rate_limited        too many sends in a short time (retryable)
├── ChatQueueFull         queue_full          the site takes no more questions just now (retryable)
├── Internal              internal            anything else; the details are in the log (retryable)
└── ProtocolError         bad_request, …      a frame that is not one (chat/protocol.py)

`str(error)` is for the log; `user_message` for people.
"""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias
from uuid import UUID

from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

    UserMessage: TypeAlias = str | _StrPromise
else:
    UserMessage = str


class ChatError(Exception):
    """Base of what the chat's verbs raise."""

    code = "chat_error"
    retryable = False
    user_message: UserMessage = _("This did not work. Try again.")


class NotFound(ChatError):
    """No such row for this visitor."""

    code = "not_found"
    user_message = _("This is not here. It may have been deleted, or you may need to sign in.")


class ConversationBusy(ChatError):
    """A reply is still being written in this conversation."""

    code = "conversation_busy"
    retryable = True
    user_message = _("An answer is still being written in this chat. Wait for it, or stop it.")


class StaleParent(ChatError):
    """The message this one follows is gone, unfinished or of the wrong kind."""

    code = "stale_parent"
    user_message = _("This chat has changed in the meantime. Reload the page and send your question again.")


class Empty(ChatError):
    """Nothing was written."""

    code = "empty"
    user_message = _("Write a question first.")


class TooLong(ChatError):
    """The text has more characters than one message may have."""

    code = "too_long"
    user_message = _("This message is too long. Shorten it, or add the text as a document.")


class AttachmentGone(ChatError):
    """A picture that is not there for this visitor, or belongs to another question."""

    code = "attachment_gone"
    user_message = _("A picture of this question is not there any more. Attach it again.")

    def __init__(self, gone: Sequence[UUID]) -> None:
        """Name the pictures, so that a page does not offer them again."""
        super().__init__("attachments " + ", ".join(map(str, gone)))
        self.gone = [str(attachment_id) for attachment_id in gone]


class TooManyImages(ChatError):
    """More pictures than one question may have."""

    code = "too_many_images"

    def __init__(self, limit: int) -> None:
        """Name the limit."""
        super().__init__(f"more than {limit} pictures")
        self.user_message = format_lazy(
            _("At most {limit} pictures can go with one question. Remove some and send it again."),
            limit=limit,
        )


class RateLimited(ChatError):
    """Too many sends in a short time."""

    code = "rate_limited"
    retryable = True
    user_message = _("You are sending questions very quickly. Wait a minute and try again.")


class ChatQueueFull(ChatError):
    """The site takes no more questions just now."""

    code = "queue_full"
    retryable = True
    user_message = _(
        "Too many questions are waiting at the moment. Yours was not sent. Try again in a few minutes."
    )

    def __init__(self, waiting: int, room_in_s: float | None) -> None:
        """Say how many wait, and when to try again where that is known."""
        super().__init__(f"{waiting} questions wait")
        if room_in_s is None:
            self.user_message = format_lazy(
                _(
                    "Too many questions are waiting ({count}). Yours was not sent. "
                    "Try again in a few minutes."
                ),
                count=waiting,
            )
            return
        self.user_message = format_lazy(
            _(
                "Too many questions are waiting ({count}). Yours was not sent. "
                "Try again in about {minutes} min."
            ),
            count=waiting,
            minutes=max(1, math.ceil(room_in_s / 60)),
        )


class Internal(ChatError):
    """Anything else; the log has the details."""

    code = "internal"
    retryable = True
    user_message = _("Something went wrong on our side. Your question is kept. Try again.")
