"""The beginning of an answer that is written already, for engines that write the same one each time. Pure."""

from inference.errors import CannotContinue


class Prefix:
    """Takes the beginning off a stream."""

    def __init__(self, text: str) -> None:
        self._left = text

    @property
    def is_over(self) -> bool:
        """Whether all of it was taken off."""
        return not self._left

    def cut(self, piece: str) -> str:
        """Return what of the next piece comes after the prefix. Raises: CannotContinue."""
        if not self._left:
            return piece
        here = piece[: len(self._left)]
        if not self._left.startswith(here):
            raise CannotContinue("the answer begins in another way")
        self._left = self._left[len(here) :]
        return piece[len(here) :]

    def check(self) -> None:
        """Refuse an answer that ended within the prefix. Raises: CannotContinue."""
        if self._left:
            raise CannotContinue("the answer is shorter")
