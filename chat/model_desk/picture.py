"""The picture of a question to two models: checked and encoded anew as those of a chat, and not kept."""

from pathlib import Path
from tempfile import NamedTemporaryFile

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile

from chat.attachments.errors import UploadTooLarge
from chat.attachments.reading import read_upload
from inference.types import Image

MEGABYTE = 1024 * 1024


def picture_of(upload: "UploadedFile[bytes] | None") -> Image | None:
    """Read an upload, None for none. Raises: AttachmentError."""
    if upload is None:
        return None
    if (upload.size or 0) > settings.MAX_IMAGE_MB * MEGABYTE:
        raise UploadTooLarge(settings.MAX_IMAGE_MB)
    with NamedTemporaryFile() as file:
        for chunk in upload.chunks():
            file.write(chunk)
        file.flush()
        read = read_upload(Path(file.name))
    return Image(read.data, read.width, read.height, read.media_type)
