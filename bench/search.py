"""How long a search takes, in all and by part: `python -m bench.search --chunks 3000 100000`.

Made-up chunks in eight collections, questions in the words of one of them. Rows and words are written by the
product. Vectors up to `EMBEDDED` chunks are the embedder's; beyond, random unit vectors are written
straight into the index, for embedding takes a quarter of an hour and says nothing about searching.
SQLite with embedded Chroma, then PostgreSQL with a Chroma server, where those are installed.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bench.corpus import Corpus
from tests.postgres import PostgresServer, binaries
from tests.site import Process, answers, free_port, wait_until

if TYPE_CHECKING:
    from inference.embedders.base import Vectors
    from knowledge.models import Chunk, Collection

COLLECTIONS = 8
CHUNKS_A_DOCUMENT = 25
EMBEDDED = 5_000
DIMENSIONS = 384


def main() -> None:
    """Measure each set-up and size in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--chunks", type=int, nargs="*", default=[3_000, 100_000])
    parser.add_argument("--questions", type=int, default=200)
    parser.add_argument("--only", choices=["embedded", "servers"])
    parser.add_argument("--here", action="store_true", help="in this very environment")
    options = parser.parse_args()
    if options.here:
        print(json.dumps(_measure(options.chunks[0], options.questions)))
        return
    for name, place in {"embedded": _embedded, "servers": _servers}.items():
        if options.only not in {None, name} or (name == "servers" and binaries() is None):
            continue
        for chunks in options.chunks:
            load = round(os.getloadavg()[0], 1)
            with place() as variables:
                command = [sys.executable, "-m", "bench.search", "--here", "--chunks", str(chunks)]
                command += ["--questions", str(options.questions)]
                done = subprocess.run(
                    command, env={**os.environ, **variables}, capture_output=True, text=True, check=False
                )
            if done.returncode:
                sys.exit(done.stderr[-4000:])
            print(
                json.dumps({"set_up": name, "load_average_before": load, **json.loads(done.stdout)}),
                flush=True,
            )


@contextmanager
def _embedded() -> Iterator[dict[str, str]]:
    with tempfile.TemporaryDirectory(prefix="chatsite-bench-") as folder:
        yield {"DATA_DIR": folder, "DJANGO_SETTINGS_MODULE": "chatsite.settings"}


@contextmanager
def _servers() -> Iterator[dict[str, str]]:
    postgres = PostgresServer()
    port = free_port()
    with _embedded() as variables:
        folder = Path(variables["DATA_DIR"])
        command = [str(Path(sys.executable).parent / "chroma"), "run", "--path", str(folder / "vectors")]
        command += ["--host", "127.0.0.1", "--port", str(port)]
        chroma = Process(command, os.environ, folder / "chroma.log")
        try:
            postgres.start()
            wait_until(lambda: answers(f"http://127.0.0.1:{port}/api/v2/heartbeat"), "Chroma")
            yield {**variables, "DATABASE_URL": postgres.url, "CHROMA_URL": f"http://127.0.0.1:{port}"}
        finally:
            chroma.kill()
            postgres.stop()
            shutil.rmtree(folder / "vectors", ignore_errors=True)


def _measure(chunks: int, questions: int) -> dict[str, object]:
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
    corpus = Corpus()
    began = time.monotonic()
    texts = _fill(corpus, chunks)
    filled_s = time.monotonic() - began
    asked = [corpus.question(texts[place * len(texts) // questions]) for place in range(questions)]
    return {"chunks": chunks, "filled_s": round(filled_s, 1), **_ask(asked)}


def _fill(corpus: Corpus, count: int) -> list[str]:
    """Write documents into all collections in turn; return some of their chunks' texts."""
    from knowledge.models import Collection, Visibility

    places = [
        Collection.objects.create(slug=f"place-{n}", name=f"Place {n}", visibility=Visibility.EVERYONE)
        for n in range(COLLECTIONS)
    ]
    random = np.random.default_rng(1)
    texts: list[str] = []
    for start in range(0, count, CHUNKS_A_DOCUMENT):
        place = start // CHUNKS_A_DOCUMENT
        language = "he" if place % 4 == 3 else "en"
        size = min(CHUNKS_A_DOCUMENT, count - start)
        rows = _write(places[place % COLLECTIONS], [_text(corpus, language) for _ in range(size)])
        _write_vectors(rows, None if count <= EMBEDDED else random)
        texts += [row.text for row in rows[:2]]
    return texts


def _text(corpus: Corpus, language: str) -> str:
    return " ".join(corpus.sentence(language) for _ in range(8))


def _write(collection: "Collection", texts: Sequence[str]) -> "list[Chunk]":
    from django.db import transaction

    from knowledge import lexical
    from knowledge.chunking import chunk_key, content_sha256
    from knowledge.models import Chunk, Document, DocumentStatus

    title = texts[0][:60]
    document: Document = Document.objects.create(
        collection=collection,
        name="document.md",
        title=title,
        sha256="0" * 64,
        status=DocumentStatus.READY,
        version=1,
        chunk_count=len(texts),
    )
    with transaction.atomic():
        rows = Chunk.objects.bulk_create(
            Chunk(
                key=chunk_key(document.pk, 1, ordinal),
                document=document,
                version=1,
                ordinal=ordinal,
                text=text,
                sha256=content_sha256(title, "", text),
            )
            for ordinal, text in enumerate(texts)
        )
        lexical.add(rows)
    return rows


def _write_vectors(rows: "Sequence[Chunk]", random: np.random.Generator | None) -> None:
    from inference.conf import get_embedder
    from knowledge import index
    from knowledge.embedding import embed

    document = rows[0].document
    vectors = (
        embed(get_embedder(), document.title, rows) if random is None else _random_vectors(random, len(rows))
    )
    index.upsert(document.collection, [row.key for row in rows], vectors)


def _random_vectors(random: np.random.Generator, count: int) -> "Vectors":
    vectors = random.standard_normal((count, DIMENSIONS), dtype=np.float32)
    unit: Vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit


def _ask(questions: Sequence[str]) -> dict[str, object]:
    """Time whole searches, then their parts one after another; every question is new to the site."""
    from django.contrib.auth.models import AnonymousUser

    from inference.conf import get_embedder
    from knowledge import index, lexical, retrieval
    from knowledge.models import Collection
    from knowledge.tokens import query_tokens

    person = AnonymousUser()
    retrieval.warm()
    for text in questions[:10]:
        retrieval.search(text, user=person)
    asked = questions[10:]
    cpu = time.process_time()
    whole = _times(asked, lambda text: retrieval.search(text, user=person))
    cpu_ms = 1000 * (time.process_time() - cpu) / len(asked)
    embedder, places = get_embedder(), list(Collection.objects.all())
    ids = [place.pk for place in places]
    vectors = {text: embedder.embed_query(text) for text in asked}
    parts: dict[str, Callable[[str], object]] = {
        "embed": embedder.embed_query,
        "vectors": lambda text: [index.query(place, vectors[text], retrieval.CANDIDATES) for place in places],
        "words": lambda text: lexical.search(query_tokens(text), ids, retrieval.CANDIDATES),
        "one_collection": lambda text: retrieval.search(
            text, user=person, collections=Collection.objects.filter(pk=ids[0])
        ),
    }
    return {
        "search": whole,
        "cpu_ms": round(cpu_ms, 1),
        **{name: _times(asked, work) for name, work in parts.items()},
    }


def _times(questions: Sequence[str], work: Callable[[str], object]) -> dict[str, float]:
    taken = []
    for text in questions:
        began = time.monotonic()
        work(text)
        taken.append(1000 * (time.monotonic() - began))
    taken.sort()
    return {
        "p50_ms": round(statistics.median(taken), 1),
        "p95_ms": round(taken[int(len(taken) * 0.95)], 1),
        "min_ms": round(taken[0], 1),
    }


if __name__ == "__main__":
    main()
