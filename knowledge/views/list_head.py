"""What the list says above its table: work on indexes, and what search cannot do there. Reads only."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.conf import settings
from django.core.cache import cache
from django.db.models import Count

from inference.conf import DEFAULT_EMBEDDING_MODELS
from jobs.models import Job
from knowledge import reindexing
from knowledge.models import Collection, Document
from knowledge.views.standing import language_name

ENGLISH: Final = "en"
LANGUAGE_KEPT_S: Final = 300


@dataclass(frozen=True, slots=True)
class Preparing:
    """A collection whose index is made anew, and how far that is, in passages."""

    collection: Collection
    job: Job


def preparing(places: Sequence[Collection]) -> list[Preparing]:
    """List which of these are being prepared for another embedding model."""
    jobs = {job.subject: job for job in reindexing.live_jobs()}
    return [Preparing(place, jobs[str(place.pk)]) for place in places if str(place.pk) in jobs]


def foreign_language(collection: Collection | None) -> str:
    """Name the language most of a collection is in, where the site's embedding model knows only English."""
    if collection is None or settings.EMBEDDING_MODEL not in DEFAULT_EMBEDDING_MODELS:
        return ""
    key = f"knowledge-language-{collection.pk}"
    code: str | None = cache.get(key)
    if code is None:
        code = _commonest(collection)
        cache.set(key, code, LANGUAGE_KEPT_S)
    return language_name(code) if code and code != ENGLISH else ""


def _commonest(collection: Collection) -> str:
    """The language of more than half of the documents whose language is known; "" where there is none."""
    known = Document.objects.filter(collection=collection).exclude(language="").order_by()
    counts = dict(known.values_list("language").annotate(Count("pk")))
    code = max(counts, key=lambda one: counts[one], default="")
    return code if counts and 2 * counts[code] > sum(counts.values()) else ""
