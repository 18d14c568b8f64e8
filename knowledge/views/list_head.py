"""What the list says above its table: work on indexes, and what search cannot do there. Reads only."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.conf import settings

from inference.conf import DEFAULT_EMBEDDING_MODELS
from jobs.models import Job
from knowledge import reindexing
from knowledge.models import Collection, Document
from knowledge.views.standing import language_name

ENGLISH: Final = "en"
LOOKED_AT: Final = 200  # documents


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
    code = _commonest(collection)
    return language_name(code) if code not in ("", ENGLISH) else ""


def _commonest(collection: Collection) -> str:
    """The language of more than half of its newest documents; "" where there is no such one."""
    known = Document.objects.filter(collection=collection).exclude(language="").order_by("-created_at")
    counts = Counter(known.values_list("language", flat=True)[:LOOKED_AT])
    code, count = counts.most_common(1)[0] if counts else ("", 0)
    return code if 2 * count > counts.total() else ""
