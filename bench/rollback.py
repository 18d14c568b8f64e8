"""How long publishing, rolling back and a draft's page take on many chunks: `python -m bench.rollback`.

Made-up chunks. Words and vectors are written for the first of them alone: publishing and rolling back look
at rows only. Rolling back is also timed until a question has been answered from the other release.
"""

import argparse
import json
import os
import tempfile
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from knowledge.models import Collection

CHUNKS_A_DOCUMENT = 25
INDEXED = 500


def main() -> None:
    """Measure each size in a directory of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--chunks", type=int, default=100_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="chatsite-bench-") as folder:
        os.environ |= {"DATA_DIR": folder, "DJANGO_SETTINGS_MODULE": "chatsite.settings"}
        print(json.dumps(_measure(options.chunks)))


def _measure(count: int) -> dict[str, object]:
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
    from django.contrib.auth.models import AnonymousUser

    from knowledge.models import Collection, Visibility
    from knowledge.releases import gate, publishing
    from knowledge.releases.changes import changes
    from knowledge.retrieval import search

    collection = Collection.objects.create(slug="large", name="Large", visibility=Visibility.EVERYONE)
    _fill(collection, count)
    taken: dict[str, float] = {}
    began = time.monotonic()
    first = publishing.publish(collection, by=None)
    taken["publish_s"] = time.monotonic() - began
    began = time.monotonic()
    publishing.publish(collection, by=None)
    taken["publish_again_s"] = time.monotonic() - began
    began = time.monotonic()
    changes(collection)
    taken["changes_s"] = time.monotonic() - began
    began = time.monotonic()
    gate.state_of(collection)
    taken["state_s"] = time.monotonic() - began
    began = time.monotonic()
    publishing.roll_back(collection, first)
    taken["roll_back_s"] = time.monotonic() - began
    found = search("which warranty has the kettle", user=AnonymousUser())
    taken["roll_back_and_first_answer_s"] = time.monotonic() - began
    assert {passage.release for passage in found.passages} <= {1}
    return {"chunks": first.chunk_count, **{name: round(value, 3) for name, value in taken.items()}}


def _fill(collection: "Collection", count: int) -> None:
    """Write documents; all of their rows, and words and vectors of the first ones."""
    import numpy as np

    from bench.corpus import Corpus
    from knowledge import index, lexical
    from knowledge.chunking import chunk_key, content_sha256
    from knowledge.embedding import embed, embedder_of
    from knowledge.models import Chunk, Document, DocumentStatus

    corpus = Corpus()
    for start in range(0, count, CHUNKS_A_DOCUMENT):
        document = Document.objects.create(
            collection=collection, name=f"{start}.md", title=str(start), sha256=f"{start:064}",
            status=DocumentStatus.READY, version=1,
        )  # fmt: skip
        texts = [" ".join(corpus.sentence("en") for _ in range(8)) for _ in range(CHUNKS_A_DOCUMENT)]
        rows = Chunk.objects.bulk_create(
            Chunk(
                key=chunk_key(document.pk, 1, ordinal), document=document, version=1, ordinal=ordinal,
                text=text, sha256=content_sha256(document.title, "", text),
            )
            for ordinal, text in enumerate(texts)
        )  # fmt: skip
        if start < INDEXED:
            lexical.add(rows)
            embedder = embedder_of(collection)
            assert embedder is not None
            vectors = embed(embedder, document.title, rows)
            index.upsert(collection, [row.key for row in rows], np.asarray(vectors))


if __name__ == "__main__":
    main()
