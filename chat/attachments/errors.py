"""Why a picture cannot be attached.

AttachmentError           code attachment_error
├── NoFile                no_file              nothing was uploaded
├── UploadTooLarge        too_large            more bytes than an upload may have
├── UnsupportedPicture    unsupported_type     not PNG, JPEG, WebP or GIF
├── BadPicture            bad_image            damaged, cut off, or too much for the process that opens it
├── TooManyPixels         too_many_pixels      decoded it would be too large
├── BadShape              bad_shape            too long and narrow
├── TooManyUnsent         too_many             too many of the visitor's pictures were never sent
├── TooFast               rate_limited         too many uploads in a short time
├── Busy                  busy                 too many pictures are being read
├── StorageFull           storage_full         the disk has no room
└── AlreadySent           already_sent         it belongs to a question now

What can be wrong with an id in `turn.start` is in chat/errors.py. `str(error)` is for the log.
"""

from http import HTTPStatus

from django.utils.functional import Promise
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _


class AttachmentError(Exception):
    """Base of what the verbs of pictures raise. status: what HTTP calls it."""

    code = "attachment_error"
    status = HTTPStatus.BAD_REQUEST
    user_message: str | Promise = _("This picture could not be attached. Try again.")


class NoFile(AttachmentError):
    """Nothing was uploaded."""

    code = "no_file"
    user_message = _("Choose a picture first.")


class UploadTooLarge(AttachmentError):
    """More bytes than an upload may have."""

    code = "too_large"
    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE

    def __init__(self, limit_mb: int) -> None:
        """Name the limit."""
        super().__init__(f"more than {limit_mb} MB")
        self.user_message = format_lazy(
            _("This picture is larger than {limit} MB. Save it smaller and attach that copy."), limit=limit_mb
        )


class UnsupportedPicture(AttachmentError):
    """Not one of the formats that are read."""

    code = "unsupported_type"
    status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE
    user_message = _("Only PNG, JPEG, WebP and GIF pictures can be attached. Save it as one of these.")


class BadPicture(AttachmentError):
    """Damaged, cut off, or too much for the process that opens it."""

    code = "bad_image"
    status = HTTPStatus.UNPROCESSABLE_ENTITY
    user_message = _(
        "This picture is damaged or incomplete. Open it, save it again as PNG or JPEG, and attach that copy."
    )


class TooManyPixels(AttachmentError):
    """Decoded it would be too large."""

    code = "too_many_pixels"
    status = HTTPStatus.UNPROCESSABLE_ENTITY

    def __init__(self, megapixels: int) -> None:
        """Name the limit."""
        super().__init__(f"more than {megapixels} megapixels")
        self.user_message = format_lazy(
            _("This picture has more than {limit} megapixels. Save it smaller and attach that copy."),
            limit=megapixels,
        )


class BadShape(AttachmentError):
    """Too long and narrow."""

    code = "bad_shape"
    status = HTTPStatus.UNPROCESSABLE_ENTITY
    user_message = _("This picture is too long and narrow. Cut out the part that matters and attach that.")


class TooManyUnsent(AttachmentError):
    """Too many of the visitor's pictures were never sent."""

    code = "too_many"
    status = HTTPStatus.CONFLICT
    user_message = _("You have attached many pictures without sending them. Send or remove some first.")


class TooFast(AttachmentError):
    """Too many uploads in a short time."""

    code = "rate_limited"
    status = HTTPStatus.TOO_MANY_REQUESTS
    user_message = _("You are attaching pictures very quickly. Wait a minute and try again.")


class Busy(AttachmentError):
    """Too many pictures are being read."""

    code = "busy"
    status = HTTPStatus.SERVICE_UNAVAILABLE
    user_message = _("Many pictures are being read at the moment. Try again in a few seconds.")


class StorageFull(AttachmentError):
    """The disk has no room."""

    code = "storage_full"
    status = HTTPStatus.INSUFFICIENT_STORAGE
    user_message = _("There is no room for more pictures on the server. Tell an administrator.")


class AlreadySent(AttachmentError):
    """It belongs to a question now."""

    code = "already_sent"
    status = HTTPStatus.CONFLICT
    user_message = _("This picture was sent already and stays with its question.")
