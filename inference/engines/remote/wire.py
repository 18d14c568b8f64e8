"""What a server's stream says, whatever its format: the pieces an adapter's reader makes of lines."""

from dataclasses import dataclass
from typing import Protocol

from inference.types import FinishReason, Usage


@dataclass(frozen=True, slots=True)
class Piece:
    """What one line said.

    is_token: the model wrote something, be it only a thought that is not shown.
    is_end: nothing comes after this.
    """

    text: str = ""
    is_token: bool = False
    reason: FinishReason | None = None
    usage: Usage | None = None
    is_end: bool = False


class WireReader(Protocol):
    """Reads the lines of one reply. Not thread-safe."""

    def feed(self, line: str) -> Piece | None:
        """Read a line; None where it says nothing. Raises: UpstreamFailure, ValueError (garbled)."""
        ...

    def end(self) -> Piece | None:
        """Say what is left when the answer has ended. Raises: as `feed`."""
        ...
