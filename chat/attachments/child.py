"""The process that opens pictures: `python -m chat.attachments.child [OPTIONS] PATH NAME`.

It lives and speaks as knowledge/extract/child.py does, under the same limits; its result is
{"data" (base64), "width", "height", "media_type"}. No Django, no settings, no network.
"""

from __future__ import annotations

import base64
import sys
from collections.abc import Mapping
from typing import BinaryIO

from chat.attachments.picture import read_picture
from knowledge.extract.child import Channel, serve


def encode(file: BinaryIO, _name: str, _channel: Channel) -> Mapping[str, object]:
    """Encode a picture anew. Raises: Refused."""
    picture = read_picture(file)
    return {
        "data": base64.b64encode(picture.data).decode("ascii"),
        "width": picture.width,
        "height": picture.height,
        "media_type": picture.media_type,
    }


if __name__ == "__main__":
    sys.exit(serve(sys.argv[1:], encode))
