"""Tell whether two answers come from the same chunks, the same index and the same golden questions."""

import hashlib
from array import array

from knowledge.models import Calibration, Collection, GoldenQuestion
from knowledge.scope import Scope, chunks_answering


def fingerprint(collection: Collection, scope: Scope) -> str:
    """Return 64 hex digits that change with the chunks of a scope, its index and what is asked of it.

    A draft has the same as the release made of it.
    """
    ids = chunks_answering([collection], scope).order_by("pk").values_list("pk", flat=True)
    digest = hashlib.sha256(array("q", ids).tobytes())
    points = list(Calibration.objects.filter(collection=collection).values_list("threshold", flat=True))
    stamp = (collection.index_name, collection.embedder, collection.tokeniser, points)
    digest.update(repr((stamp, _questions(collection))).encode())
    return digest.hexdigest()


def _questions(collection: Collection) -> list[tuple[object, ...]]:
    active = GoldenQuestion.objects.filter(collection=collection, is_active=True).order_by("pk")
    return list(active.values_list("pk", "text", "previous", "expectation", "document", "quote"))
