"""Where a graph changes the factors of its rotary embedding: the cliff of the 128k (LongRoPE) models.

Up to so many tokens one set of factors holds, beyond it another, for every token of the sequence. Keys
made with one set are wrong beside queries made with the other, and nothing says so. The graph chooses by
the width of the attention mask alone, so whoever runs it decides, with a mask as wide as the whole.
"""

import mmap
import re
from functools import lru_cache
from pathlib import Path
from typing import Final

PHI_CLIFF: Final = 4096  # of every LongRoPE Phi
# The builder's names, as they stand in the file: "Greater" compares the mask's width with a constant.
_SWITCH: Final = re.compile(rb"/model/\w*caches_subgraph/Greater/output_0|cos_cache_large")
_COMPARED: Final = re.compile(
    rb"/model/constants/[\w./]*?(\d+)\x12.{1,2}/model/\w*caches_subgraph/Greater", re.S
)


def cliff_of(file: Path) -> int:
    """Give the number of tokens up to which a graph's first factors hold; 0 = it has one set only."""
    described = file.stat()
    return _cliff(file, described.st_mtime_ns, described.st_size)


@lru_cache(maxsize=16)
def _cliff(file: Path, changed_ns: int, size_bytes: int) -> int:
    if not size_bytes:
        return 0
    with file.open("rb") as opened, mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as text:
        if not _SWITCH.search(text):
            return 0
        compared = _COMPARED.search(text)
        return int(compared[1]) if compared else PHI_CLIFF
