"""Images in the forms that servers take: base64, data URLs, content parts, or tags inside the text."""

import itertools
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import replace
from enum import StrEnum
from typing import Final

from inference.engines.remote.shrinking import shrink
from inference.errors import BadRequest
from inference.types import ChatMessage, Image

MAX_INLINE_CHARS: Final = 180_000  # of base64 in one request; the server wants fewer
# What stands for an image in the text that a server hands to its model: nobody may write one themselves.
OLLAMA_MARKS: Final = ("[img]", "[img-")
PARTS_MARKS: Final = ("<__media__>", "<image>")
INLINE_MARKS: Final = tuple(
    "<" + "".join(cased) for cased in itertools.product(*((one, one.upper()) for one in "img"))
)


class ImageForm(StrEnum):
    """How a server with OpenAI's interface takes images; off: not at all."""

    PARTS = "parts"
    INLINE = "inline"
    OFF = "off"


def base64_of(image: Image) -> str:
    """Write an image as base64."""
    return b64encode(image.data).decode("ascii")


def data_url(image: Image) -> str:
    """Write an image as an address that holds it."""
    return f"data:{image.media_type};base64,{base64_of(image)}"


def content_parts(message: ChatMessage) -> str | Sequence[Mapping[str, object]]:
    """Write a message's content: images before the text, as servers advise; without any, the text."""
    if not message.images:
        return message.content
    parts: list[Mapping[str, object]] = [
        {"type": "image_url", "image_url": {"url": data_url(image)}} for image in message.images
    ]
    return [*parts, {"type": "text", "text": message.content}] if message.content else parts


def inline_text(message: ChatMessage) -> str:
    """Write a message's images into its text, as NVIDIA's older endpoints read them."""
    tags = [f'<img src="{data_url(image)}" />' for image in message.images]
    return " ".join([message.content, *tags]).strip() if tags else message.content


def fit_inline(messages: Sequence[ChatMessage]) -> list[ChatMessage]:
    """Make the images of a prompt small enough to be sent inside the text. Raises: ImageRefused."""
    images = [image for message in messages for image in message.images]
    fitted = iter(shrink(images, MAX_INLINE_CHARS))
    return [replace(message, images=tuple(next(fitted) for _ in message.images)) for message in messages]


def newest(messages: Sequence[ChatMessage], limit: int) -> list[ChatMessage]:
    """Leave out the oldest images where a server takes fewer; never those of the question.

    Raises: BadRequest where the question alone holds too many.
    """
    asked = next((len(message.images) for message in reversed(messages) if message.images), 0)
    if asked > limit:
        raise BadRequest(f"the server takes {limit} images at once, not {asked}")
    kept: list[ChatMessage] = []
    for message in reversed(messages):
        images = message.images if len(message.images) <= limit else ()
        limit = limit - len(images) if len(images) == len(message.images) else 0
        kept.append(replace(message, images=images))
    return kept[::-1]
