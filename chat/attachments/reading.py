"""Have a child process read an upload: the web process itself never opens a stranger's picture."""

import base64
import logging
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from chat.attachments.errors import (
    AttachmentError,
    BadPicture,
    BadShape,
    Busy,
    TooManyPixels,
    UnsupportedPicture,
)
from chat.attachments.types import Picture
from knowledge.extract.errors import ExtractError
from knowledge.extract.runner import run_child
from knowledge.extract.types import FailureCode

CHILD: Final = "chat.attachments.child"
TIMEOUT_S: Final = 20.0
MEMORY_BYTES: Final = 1024**3
AT_ONCE: Final = 2  # children, each of which may take MEMORY_BYTES
WAIT_S: Final = 20.0
MAX_ENCODED_BYTES: Final = 8 * 1024 * 1024
_MAGIC: Final = {"image/png": b"\x89PNG\r\n\x1a\n", "image/jpeg": b"\xff\xd8\xff"}

logger = logging.getLogger(__name__)
_room = threading.BoundedSemaphore(AT_ONCE)


def read_upload(path: Path) -> Picture:
    """Return the picture in a file, encoded anew.

    Raises: UnsupportedPicture, BadPicture, TooManyPixels, BadShape, Busy.
    """
    if not _room.acquire(timeout=WAIT_S):
        raise Busy(f"{AT_ONCE} children for {WAIT_S:g} s")
    try:
        return run_child(CHILD, path, "picture", _picture, timeout_s=TIMEOUT_S, memory_bytes=MEMORY_BYTES)
    except ExtractError as exc:
        raise _translated(exc) from exc
    finally:
        _room.release()


def _picture(value: Mapping[str, object]) -> Picture:
    """Read the child's result; it is believed no further than it can be seen. Raises: ValueError."""
    width, height, media_type = value["width"], value["height"], str(value["media_type"])
    encoded = str(value["data"])
    if not isinstance(width, int) or not isinstance(height, int) or len(encoded) > MAX_ENCODED_BYTES:
        raise ValueError("not a picture")
    data = base64.b64decode(encoded, validate=True)
    if media_type not in _MAGIC or not data.startswith(_MAGIC[media_type]):
        raise ValueError(f"not {media_type}")
    return Picture(data, width, height, media_type)


def _translated(error: ExtractError) -> AttachmentError:
    if error.code == FailureCode.UNSUPPORTED_TYPE:
        return UnsupportedPicture(str(error))
    if error.code == FailureCode.TOO_LARGE:
        limit = int(error.params.get("limit", 0))
        return BadShape(str(error)) if error.params.get("unit") == "ratio" else TooManyPixels(limit)
    if error.code == FailureCode.TIMEOUT:  # even the largest takes a fraction of it, where there is room
        return Busy(str(error))
    return BadPicture(str(error))
