"""How far a pull is, on a command line: JSON lines, a bar on a terminal, or a line at every tenth."""

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Final

from inference.pull import Progress

TELL_EVERY_S: Final = 1.0
BAR_WIDTH: Final = 30


class JsonBar:
    """Progress as JSON lines, one a second and whenever the file changes."""

    def __init__(self, line: Callable[[Mapping[str, object]], None]) -> None:
        self._line = line
        self._told: tuple[str, float] = ("", 0.0)

    def __call__(self, progress: Progress) -> None:
        """Tell how far it is."""
        file, at = self._told
        now = time.monotonic()
        if progress.file != file or now - at >= TELL_EVERY_S:
            self._told = (progress.file, now)
            self._line({"event": "progress", **asdict(progress)})

    def end(self) -> None:
        """Nothing to tidy."""


class TextBar:
    """A bar on a terminal; elsewhere a line at every tenth."""

    def __init__(self, is_terminal: bool, tell: Callable[[str, str], None]) -> None:
        self._is_terminal = is_terminal
        self._tell = tell
        self._began: tuple[float, int] | None = None
        self._tenth = -1

    def __call__(self, progress: Progress) -> None:
        """Draw how far it is."""
        now = time.monotonic()
        began_at, began_with = self._began = self._began or (now, progress.done_bytes)
        share = progress.done_bytes / progress.total_bytes if progress.total_bytes else 0.0
        speed = (progress.done_bytes - began_with) / max(0.1, now - began_at)
        left = progress.total_bytes - progress.done_bytes
        eta = f", {left / speed:.0f} s left" if speed and left else ""
        text = (
            f"{share:4.0%} {progress.done_bytes / 1e6:,.0f} of {progress.total_bytes / 1e6:,.0f} MB, "
            f"{speed / 1e6:.1f} MB/s{eta}  {progress.file[-40:]}"
        )
        if self._is_terminal:
            bar = "█" * round(share * BAR_WIDTH)
            self._tell(f"\r\x1b[K{bar:·<{BAR_WIDTH}} {text}", "")
        elif int(share * 10) > self._tenth:
            self._tenth = int(share * 10)
            self._tell(text, "\n")

    def end(self) -> None:
        """Leave the line of the bar."""
        if self._is_terminal and self._began:
            self._tell("", "\n")
