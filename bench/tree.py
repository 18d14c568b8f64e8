"""What a process and all its children take: memory and CPU seconds, read from /proc."""

import os
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

EVERY_S = 0.05


def tree(pid: int) -> list[int]:
    """List a process and everything below it."""
    parents = {int(path.name): _parent(path) for path in Path("/proc").iterdir() if path.name.isdigit()}
    found = [pid]
    for one in found:
        found += [child for child, parent in parents.items() if parent == one]
    return found


def rss_mb(pid: int) -> float:
    """Sum up resident memory; pages that processes share count in each, so this is an upper bound."""
    return sum(_rss_mb(one) for one in tree(pid))


class Peak:
    """Watches the memory of a process tree while its block runs."""

    def __init__(self, pid: int) -> None:
        """pid: the root. before_mb and peak_mb can be read afterwards."""
        self._pid = pid
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self.before_mb = self.peak_mb = self.peak_root_mb = 0.0

    @property
    def growth_mb(self) -> float:
        """How much more there was at the worst moment than before."""
        return round(self.peak_mb - self.before_mb, 1)

    def __enter__(self) -> Self:
        """Begin."""
        self.before_mb = self.peak_mb = rss_mb(self._pid)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End."""
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(EVERY_S):
            self.peak_mb = max(self.peak_mb, rss_mb(self._pid))
            self.peak_root_mb = max(self.peak_root_mb, _rss_mb(self._pid))


def _parent(path: Path) -> int:
    try:
        return int((path / "stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()[1])
    except (FileNotFoundError, ProcessLookupError):  # ended while we looked
        return 0


def _rss_mb(pid: int) -> float:
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="utf-8").split()[1])
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6
