"""How many replies at once fit into memory beside a loaded model."""

import os
from pathlib import Path
from typing import Final

SHARE: Final = 0.6  # of what is free once the weights are loaded; the site lives here as well


def rows_that_fit(bytes_per_token: int, context_tokens: int, max_rows: int, free: int) -> int:
    """Count the replies whose keys and values fit into `free` bytes; one at least."""
    return max(1, min(max_rows, int(free * SHARE // (context_tokens * bytes_per_token))))


def free_bytes() -> int:
    """Tell how much of this machine's memory is free."""
    try:
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass  # not Linux
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2


def cores() -> int:
    """Count the cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
