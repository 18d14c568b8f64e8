"""What a long text file costs in memory: `python -m bench.memory --megabytes 60`.

An embedded site whose limit was raised takes in one plain text file over HTTP; the memory of the site's
process and all its children together is read 20 times a second, before and while the file is read,
written and embedded. Embedding 60 MB takes half an hour on two cores; `--seconds` looks at its beginning.
"""

import argparse
import json
import os
import sqlite3
import tempfile
import time
from pathlib import Path

from bench.corpus import Corpus
from bench.tree import Peak
from tests.client import Person
from tests.site import PASSWORD, Site

POLL_S = 0.5


def main() -> None:
    """Measure a site of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=60)
    parser.add_argument("--seconds", type=float, default=7_200)
    options = parser.parse_args()
    load = round(os.getloadavg()[0], 1)
    with tempfile.TemporaryDirectory(prefix="chatsite-bench-") as folder:
        site = Site(Path(folder), RATE_LIMITS="off", MAX_UPLOAD_MB=str(options.megabytes + 1))
        site.manage("prepare", "--demo")
        site.start()
        try:
            print(
                json.dumps(
                    {"load_average_before": load, **_measure(site, options.megabytes, options.seconds)}
                )
            )
        finally:
            site.kill()


def _measure(site: Site, megabytes: int, seconds: float) -> dict[str, object]:
    assert site.process is not None
    text = _text(megabytes * 1_000_000)
    admin = Person(site.url)
    admin.http.timeout = 600
    admin.sign_in("admin", PASSWORD)
    admin.upload("handbook", "warm.txt", b"Something small, so that everything is loaded.\n")
    time.sleep(5)
    stages: dict[str, dict[str, object]] = {}
    began = time.monotonic()
    with Peak(site.process.pid) as memory:
        document = admin.upload("handbook", "long.txt", text)
        while time.monotonic() - began < seconds:
            status, done, total = _state(site, document)
            stages[status] = {"until_s": round(time.monotonic() - began, 1), "grown_mb": memory.growth_mb}
            stages[status] |= {"done": done, "total": total}
            if status in {"ready", "failed"}:
                break
            time.sleep(POLL_S)
    figures: dict[str, object] = {"megabytes": megabytes, "before_mb": round(memory.before_mb, 1)}
    return figures | {
        "grown_mb": memory.growth_mb,
        "site_peak_mb": round(memory.peak_root_mb, 1),
        "stages": stages,
    }


def _text(size_bytes: int) -> bytes:
    """Write a text that is not the same everywhere: equal chunks are kept once."""
    corpus = Corpus()
    parts, size = [], 0
    while size < size_bytes:
        parts.append(corpus.paragraph("en").encode())
        size += len(parts[-1]) + 2
    return b"\n\n".join(parts)


def _state(site: Site, document: str) -> tuple[str, int, int]:
    with sqlite3.connect(
        f"file:{site.data_dir / 'site.sqlite3'}?mode=ro", uri=True, timeout=30
    ) as connection:
        asked = "SELECT status, progress_done, progress_total FROM knowledge_document WHERE id = ?"
        status, done, total = connection.execute(asked, [document.replace("-", "")]).fetchone()
    return str(status), int(done), int(total)


if __name__ == "__main__":
    main()
