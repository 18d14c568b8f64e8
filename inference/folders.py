"""Where model folders lie: found by the file that makes a folder one, without reading any."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

MOST: Final = 50


def folders_with(marker: str, under: Path) -> Iterator[Path]:
    """Give the folders below one that hold a file of this name, in order, at most MOST.

    Hidden ones are left out: pulls grow there. What goes away meanwhile is passed over.
    """
    found = []
    for path, names, files in os.walk(under):
        names[:] = sorted(name for name in names if not name.startswith("."))
        if marker in files:
            found.append(Path(path))
        if len(found) == MOST:
            break
    yield from sorted(found)
