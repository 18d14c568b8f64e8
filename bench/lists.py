"""How long the administrator's list takes with many documents: `python -m bench.lists --documents 20000`.

Rows are written straight into the database; the page is the real one, through Django's whole stack of
middleware, by a person who manages every collection. Server time and number of queries of each page.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

from bench.corpus import Corpus
from bench.search import _embedded, _servers
from tests.postgres import binaries

if TYPE_CHECKING:
    from django.test import Client

COLLECTIONS = 12
ROUNDS = 15
PAGES: Mapping[str, Mapping[str, str]] = {
    "first": {},
    "one_collection": {"collection": "place-3"},
    "failed": {"status": "attention"},
    "published_of_one": {"status": "published", "collection": "place-3"},
    "published": {"status": "published"},
    "by_name": {"sort": "name"},
    "by_status": {"sort": "status"},
    "found": {"q": "warranty"},
    "found_nothing": {"q": "no such document anywhere"},
    "deep": {"page": "700"},
    "deep_of_one": {"collection": "place-3", "page": "60"},
}


def main() -> None:
    """Measure SQLite, then PostgreSQL where it is installed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=int, default=20_000)
    parser.add_argument("--here", action="store_true", help="in this very environment")
    options = parser.parse_args()
    if options.here:
        print(json.dumps(_measure(options.documents)))
        return
    for name, place in {"sqlite": _embedded, "postgresql": _servers}.items():
        if name == "postgresql" and binaries() is None:
            continue
        load = round(os.getloadavg()[0], 1)
        with place() as variables:
            command = [sys.executable, "-m", "bench.lists", "--here", "--documents", str(options.documents)]
            environment = {**os.environ, **variables, "RATE_LIMITS": "off"}
            done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit(done.stderr[-4000:])
        print(
            json.dumps({"database": name, "load_average_before": load, **json.loads(done.stdout)}), flush=True
        )


def _measure(documents: int) -> dict[str, object]:
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
    from django.conf import settings
    from django.test import Client

    from accounts.models import User

    _fill(documents)
    client = Client(headers={"host": settings.ALLOWED_HOSTS[0] if settings.ALLOWED_HOSTS else "localhost"})
    client.force_login(User.objects.create_superuser("admin", password="a password of the benchmark"))
    return {"documents": documents, **{name: _page(client, query) for name, query in PAGES.items()}}


def _fill(count: int) -> None:
    """Write documents of every state, a few waiting, names in two languages."""
    from django.utils import timezone

    from knowledge.models import Collection, Document, DocumentStatus

    corpus = Corpus()
    places = [Collection.objects.create(slug=f"place-{n}", name=f"Place {n}") for n in range(COLLECTIONS)]
    now = timezone.now()
    rows = []
    for number in range(count):
        state = DocumentStatus.FAILED if number % 50 == 7 else DocumentStatus.READY
        title = corpus.sentence("he" if number % 4 == 3 else "en")[:120]
        rows.append(
            Document(
                collection=places[number % COLLECTIONS],
                name=f"document-{number}.pdf",
                title=title,
                format="pdf",
                size_bytes=10_000 + number,
                sha256=f"{number:064x}",
                status=state if number >= 5 else DocumentStatus.QUEUED,
                chunk_count=20,
                version=1,
            )
        )
    Document.objects.bulk_create(rows, batch_size=1_000)
    for number, row in enumerate(rows):
        row.created_at = now - timedelta(minutes=number)
    Document.objects.bulk_update(rows, ["created_at"], batch_size=500)


def _page(client: "Client", query: Mapping[str, str]) -> dict[str, object]:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as captured:
        answer = client.get("/knowledge/", query)
    assert answer.status_code == 200, answer.status_code
    queries, slowest_s = len(captured), max(float(one["time"]) for one in captured.captured_queries)
    cpu = time.process_time()
    taken = [_time(client, query) for _ in range(ROUNDS)]
    cpu_ms = 1000 * (time.process_time() - cpu) / ROUNDS
    return {
        "median_ms": round(statistics.median(taken), 1),
        "min_ms": round(min(taken), 1),
        "cpu_ms": round(cpu_ms, 1),
        "queries": queries,
        "slowest_query_ms": round(1000 * slowest_s, 1),
    }


def _time(client: "Client", query: Mapping[str, str]) -> float:
    began = time.monotonic()
    client.get("/knowledge/", query)
    return 1000 * (time.monotonic() - began)


if __name__ == "__main__":
    main()
