"""The verbs of a picture's life: add, give to a question, remove, and read for the model.

The row is stored before the file and deleted before it, so that a process that dies in between leaves a
row that the sweep takes away with whatever file there is (chat/attachments/sweeping.py).
"""

import hashlib
import logging
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models.signals import post_delete

from chat import limits
from chat.attachments.errors import AlreadySent, StorageFull, TooFast, TooManyUnsent
from chat.attachments.reading import read_upload
from chat.attachments.types import Picture
from chat.errors import AttachmentGone, NotFound, RateLimited, TooManyImages
from chat.models import Assistant, Attachment, Message
from chat.visitors import Visitor
from inference.errors import ImageRefused
from inference.types import Image
from knowledge.names import clean_file_name

KEEP_FREE_BYTES: Final = 200 * 1024 * 1024  # the database needs room too
MAX_UNSENT: Final = 20

logger = logging.getLogger(__name__)


def check_may_add(visitor: Visitor, address: str = "") -> None:
    """Refuse an upload before it is looked at. Raises: NotFound, TooFast, TooManyUnsent, StorageFull."""
    if not visitor.is_known or not Assistant.objects.for_visitor(visitor).exists():
        raise NotFound("nobody to send a picture to")
    try:
        limits.check_rate(visitor, address, of="pictures")
    except RateLimited as exc:
        raise TooFast(str(exc)) from exc
    if Attachment.objects.for_visitor(visitor).unsent().count() >= MAX_UNSENT:
        raise TooManyUnsent(visitor.owner)
    if shutil.disk_usage(settings.DATA_DIR).free < KEEP_FREE_BYTES:
        raise StorageFull("no room for pictures")


def add(visitor: Visitor, name: str, upload: Path) -> Attachment:
    """Encode an uploaded picture anew and keep it, unsent. Raises: AttachmentError."""
    picture = read_upload(upload)
    attachment = Attachment.objects.create(
        user_id=visitor.user_id,
        guest_key=visitor.guest_key,
        name=clean_file_name(name),
        media_type=picture.media_type,
        width=picture.width,
        height=picture.height,
        size_bytes=len(picture.data),
        sha256=hashlib.sha256(picture.data).hexdigest(),
    )
    try:
        _write(attachment.path, picture)
    except OSError as exc:
        attachment.delete()
        raise StorageFull(str(exc)) from exc
    return attachment


def _write(path: Path, picture: Picture) -> None:
    """Write the file under its name only when it is whole."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, settings.FILE_UPLOAD_PERMISSIONS)
    with os.fdopen(descriptor, "wb") as file:
        file.write(picture.data)
    part.replace(path)


def remove(visitor: Visitor, attachment_id: UUID) -> None:
    """Take back a picture that was not sent. Raises: NotFound, AlreadySent."""
    with transaction.atomic():
        mine = Attachment.objects.for_visitor(visitor).select_for_update()
        attachment = mine.filter(pk=attachment_id).first()
        if attachment is None:
            raise NotFound(f"attachment {attachment_id}")
        if attachment.message_id is not None:
            raise AlreadySent(str(attachment_id))
        attachment.delete()


def give_to(question: Message, visitor: Visitor, ids: Sequence[UUID]) -> tuple[Attachment, ...]:
    """Make pictures part of a question, in this order; all of them or none, inside a transaction.

    Raises: TooManyImages, AttachmentGone (unknown, somebody else's, sent already).
    """
    wanted = list(dict.fromkeys(ids))
    if len(wanted) > settings.MAX_IMAGES:
        raise TooManyImages(settings.MAX_IMAGES)
    gone = []
    for position, attachment_id in enumerate(wanted):
        mine = Attachment.objects.for_visitor(visitor).unsent().filter(pk=attachment_id)
        if not mine.update(message=question, position=position):
            gone.append(attachment_id)
    if gone:
        raise AttachmentGone(gone)
    return tuple(question.attachments.all())


def images_of(question: Message, *, is_history: bool = False) -> tuple[Image, ...]:
    """Read a question's pictures for the prompt; those of an earlier question may be missing.

    Raises: ImageRefused where one of this question's is gone.
    """
    images = []
    for one in question.attachments.all():
        try:
            images.append(Image(one.path.read_bytes(), one.width, one.height, one.media_type))
        except OSError as exc:
            if not is_history:
                raise ImageRefused(f"attachment {one.pk}: {exc}") from exc
            logger.warning("attachment %s of an earlier question is gone: %s", one.pk, exc)
    return tuple(images)


def _forget_file(sender: object, instance: Attachment, **kwargs: object) -> None:
    path = instance.path
    transaction.on_commit(lambda: unlink(path))


def unlink(path: Path) -> None:
    """Delete a picture's file, and what there is of one that was not written to its end."""
    for one in (path, path.with_suffix(".part")):
        try:
            one.unlink(missing_ok=True)
        except OSError as exc:  # the sweep tries again
            logger.warning("%s is not deleted: %s", one, exc)


def connect() -> None:
    """Hear of deleted rows: most go with their message, conversation or account (Django's own signal)."""
    post_delete.connect(_forget_file, sender=Attachment, dispatch_uid="chat.attachments")
