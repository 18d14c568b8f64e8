"""How fast documents become answers: `python -m bench.ingest --documents 60`.

A running embedded site takes in documents of 10 KB (English and Hebrew in turn) over HTTP, as a browser
uploads them, and reads them into both indexes. CPU seconds are those of the site and its parser
children from the first upload to the last document's readiness.
"""

import argparse
import json
import os
import sqlite3
import tempfile
import time
from pathlib import Path

from bench.corpus import Corpus
from tests.client import Person
from tests.site import PASSWORD, Site, wait_until

COLLECTION = "handbook"
TIMEOUT_S = 1_800.0


def main() -> None:
    """Measure a site of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=int, default=60)
    parser.add_argument("--kilobytes", type=int, default=10)
    parser.add_argument(
        "--slots", type=int, default=0, help="documents read at a time; 0 = the site's default"
    )
    options = parser.parse_args()
    load = round(os.getloadavg()[0], 1)
    with tempfile.TemporaryDirectory(prefix="chatsite-bench-") as folder:
        variables = {"INGESTION_SLOTS": str(options.slots)} if options.slots else {}
        site = Site(Path(folder), RATE_LIMITS="off", **variables)
        site.manage("prepare", "--demo")
        site.start()
        try:
            figures = _measure(site, options.documents, options.kilobytes * 1000)
        finally:
            site.stop()
    print(json.dumps({"load_average_before": load, **figures}))


def _measure(site: Site, documents: int, size_bytes: int) -> dict[str, object]:
    assert site.process is not None
    corpus = Corpus()
    texts = [corpus.document("en" if place % 2 else "he", size_bytes).encode() for place in range(documents)]
    database = site.data_dir / "site.sqlite3"
    admin = Person(site.url)
    admin.sign_in("admin", PASSWORD)
    admin.upload(COLLECTION, "warm.md", corpus.document("en", 2_000).encode())
    wait_until(lambda: _is_over(database), "the first document")
    before = _count(database)
    cpu, began = site.process.cpu_s(), time.monotonic()
    for place, text in enumerate(texts):
        admin.upload(COLLECTION, f"document-{place}.md", text)
    uploaded_s = time.monotonic() - began
    wait_until(lambda: _is_over(database), "all documents", TIMEOUT_S)
    wall_s, cpu_s = time.monotonic() - began, site.process.cpu_s() - cpu
    ready, chunks = (after - first for after, first in zip(_count(database), before, strict=True))
    vectors = _vectors(site.data_dir)
    return {
        "documents": documents,
        "ready": ready,
        "chunks": chunks,
        "bytes": sum(map(len, texts)),
        "wall_s": round(wall_s, 2),
        "uploads_s": round(uploaded_s, 2),
        "cpu_s": round(cpu_s, 2),
        "documents_per_s": round(ready / wall_s, 2),
        "documents_per_cpu_s": round(ready / cpu_s, 2),
        "cpu_s_per_document": round(cpu_s / max(1, ready), 3),
        "chunks_per_s": round(chunks / wall_s, 1),
        "vectors_per_chunk": round(vectors / _count(database)[1], 3),
    }


def _is_over(database: Path) -> bool:
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        asked = "SELECT count(*) FROM knowledge_document WHERE status NOT IN ('ready', 'failed')"
        return not connection.execute(asked).fetchone()[0]


def _count(database: Path) -> tuple[int, int]:
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        [documents] = connection.execute(
            "SELECT count(*) FROM knowledge_document WHERE status = 'ready'"
        ).fetchone()
        [chunks] = connection.execute("SELECT count(*) FROM knowledge_chunk").fetchone()
    return documents, chunks


def _vectors(data_dir: Path) -> int:
    """Count the vectors in the store's own table."""
    with sqlite3.connect(f"file:{data_dir / 'chroma' / 'chroma.sqlite3'}?mode=ro", uri=True) as connection:
        return int(connection.execute("SELECT count(*) FROM embeddings").fetchone()[0])


if __name__ == "__main__":
    main()
