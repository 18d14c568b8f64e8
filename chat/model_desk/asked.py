"""What was asked of two models, as it is kept for the worker: in logs alone, for an hour.

A picture has a log of its own, so that whoever looks at the answers does not read it every time.
"""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from chat.model_desk.contenders import Contender
from inference.types import Guidance, GuidanceKind, Image
from jobs.log import get_log

KIND: Final = "playground"


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked, of whom. sides: who answers. collection: slug of the documents, "" for none.

    guidance: the shape both answers must have. has_picture: whether one went along.
    """

    question: str
    sides: tuple[Contender, ...]
    collection: str
    user_id: int
    guidance: Guidance | None = None
    has_picture: bool = False


def log_key(key: str) -> str:
    """Name the log of a question."""
    return f"{KIND}:{key}"


def note(key: str, asked: Asked, picture: Image | None) -> None:
    """Keep what was asked. Raises: LogUnavailable."""
    if picture is not None:
        event: dict[str, object] = {
            "data": base64.b64encode(picture.data).decode("ascii"),
            "width": picture.width,
            "height": picture.height,
            "media_type": picture.media_type,
        }
        get_log().append(_picture_key(key), 0, [event])
        get_log().close(_picture_key(key))
    get_log().append(log_key(key), 0, [_event(asked)])


def read_asked(key: str) -> Asked | None:
    """Return what was asked; None where the log is gone. Raises: LogUnavailable."""
    for entry in get_log().replay(log_key(key)):
        if entry.event.get("type") == "asked":
            return _asked(entry.event)
    return None


def read_pictures(key: str) -> tuple[Image, ...]:
    """Return the picture that went along, if any. Raises: LogUnavailable."""
    return tuple(
        Image(
            base64.b64decode(str(entry.event["data"])),
            int(str(entry.event["width"])),
            int(str(entry.event["height"])),
            str(entry.event["media_type"]),
        )
        for entry in get_log().replay(_picture_key(key))
    )


def _picture_key(key: str) -> str:
    return f"{KIND}-picture:{key}"


def _event(asked: Asked) -> dict[str, object]:
    shape = [asked.guidance.kind.value, asked.guidance.pattern] if asked.guidance else None
    return {
        "type": "asked",
        "question": asked.question,
        "sides": [[side.value, side.label] for side in asked.sides],
        "collection": asked.collection,
        "user": asked.user_id,
        "shape": shape,
        "has_picture": asked.has_picture,
    }


def _asked(event: Mapping[str, object]) -> Asked:
    sides, shape = event.get("sides"), event.get("shape")
    assert isinstance(sides, Sequence)
    guidance = Guidance(GuidanceKind(str(shape[0])), str(shape[1])) if isinstance(shape, Sequence) else None
    return Asked(
        question=str(event.get("question")),
        sides=tuple(Contender(str(value), str(label)) for value, label in sides),
        collection=str(event.get("collection") or ""),
        user_id=int(str(event.get("user"))),
        guidance=guidance,
        has_picture=event.get("has_picture") is True,
    )
