"""A picture of our own. No Django and no Pillow here: both sides of the pipe use it."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture encoded by us. media_type: image/png or image/jpeg."""

    data: bytes = field(repr=False)
    width: int
    height: int
    media_type: str
