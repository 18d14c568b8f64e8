"""Measure where a collection should draw the line between answering and refusing.

With enough golden questions of both kinds, what is kept and what is refused come from them. Without, what is
refused comes from questions made of the collection's own sentences, each asked with its document left out;
what is kept then is what public question sets kept, because a made question is far easier than a person's.
Measured in docs/measurements.md, "Refusals".
"""

import hashlib
import logging
import random
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from django.db import IntegrityError
from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import User
from jobs import queue as job_queue
from jobs.models import Job, JobState
from knowledge import retrieval, risk
from knowledge.confidence import FIT
from knowledge.models import Calibration, Chunk, Collection, Expectation, GoldenQuestion, Measured
from knowledge.risk import Point
from knowledge.scope import LIVE, Scope, chunks_answering
from knowledge.sentences import split_sentences
from knowledge.tokens import TOKENISER

if TYPE_CHECKING:
    from jobs.worker import Lease

logger = logging.getLogger(__name__)

JOB_KIND: Final = "calibrate"
KEEP: Final = 0.95  # of the answerable questions, where they are known
KEEP_USUALLY: Final = 0.97  # where they are not: kinds of questions differ, and the hardest should keep 95 %
ENOUGH: Final = 30  # golden questions that must find something
ENOUGH_REFUSALS: Final = 10
MADE: Final = 150  # questions made of a collection's own sentences
TRUST: Final = 30  # golden questions that count as much as the public sets
CHANGED: Final = 0.2  # share of the chunks that came or went before it is measured again
SENTENCE_CHARS: Final = (40, 400)
WORDS: Final = 12


def calibrate(collection: Collection, watch: "Lease | None" = None) -> Calibration:
    """Measure a collection and keep the result; a target that a person chose stays. Raises: LeaseLost."""
    before = Calibration.objects.filter(collection=collection).first()
    golden = GoldenQuestion.objects.filter(collection=collection, is_active=True)
    find, refuse = golden.filter(expectation=Expectation.FIND), golden.filter(expectation=Expectation.REFUSE)
    has_golden = find.count() >= ENOUGH and refuse.count() >= ENOUGH_REFUSALS
    if has_golden:
        kept = [_ask(collection, item.text, item.previous) for item in find]
        absent = [_ask(collection, item.text, item.previous) for item in refuse]
    else:
        kept, absent = [], _ask_made(collection, watch)
    points = draw(kept, absent)
    target = before.target if before and before.is_chosen else (KEEP if has_golden else KEEP_USUALLY)
    values = {
        "threshold": threshold_at(points, target),
        "target": target,
        "points": [point.as_json() for point in points],
        "answerable": len(kept),
        "absent": len(absent),
        "source": Measured.GOLDEN if has_golden else Measured.MADE,
        "chunks": chunks_answering([collection]).count(),
        "questions": fingerprint(collection),
        "stamp": _stamp(collection),
        "made_at": timezone.now(),
    }
    made, _created = Calibration.objects.update_or_create(collection=collection, defaults=values)
    return made


def _stamp(collection: Collection) -> str:
    """Name what a threshold was measured with: another embedder, tokeniser or fit moves every score."""
    return f"{collection.embedder} {TOKENISER} {FIT}"[:200]


def draw(kept: Sequence[float], absent: Sequence[float]) -> list[Point]:
    """Draw the curve. kept: scores of answerable questions, none where there are no golden ones."""
    points = []
    for target, usual in risk.USUAL:
        threshold = usual
        if kept:
            threshold = risk.blend(risk.threshold_for(kept, target), usual, len(kept), TRUST)
        share = 1 - risk.refused_below(kept, threshold) if kept else target
        points.append(
            Point(round(threshold, 3), round(share, 4), round(risk.refused_below(absent, threshold), 4))
        )
    return points


def threshold_at(points: Sequence[Point], target: float) -> float:
    """Return the highest threshold that keeps the target; the most careful one where none does."""
    good = [point.threshold for point in points if point.kept >= target - 1e-9]
    return max(good) if good else min(point.threshold for point in points)


def choose(calibration: Calibration, target: float) -> None:
    """Keep the share of answerable questions that a person wants, from the next question on."""
    calibration.target = target
    points = [Point(**point) for point in calibration.points]
    calibration.threshold = threshold_at(points, target)
    calibration.is_chosen = True
    calibration.save(update_fields=["target", "threshold", "is_chosen"])


def fingerprint(collection: Collection) -> str:
    """Digest the golden questions, to tell whether they changed."""
    rows = GoldenQuestion.objects.filter(collection=collection, is_active=True).order_by("pk")
    told = rows.values_list("pk", "expectation", "text", "previous")
    text = "\n".join(" ".join(map(str, row)) for row in told)
    return hashlib.sha256(text.encode()).hexdigest()


def is_outdated(collection: Collection) -> bool:
    """Say whether documents, golden questions or the index changed much since it was measured."""
    made = Calibration.objects.filter(collection=collection).first()
    count = chunks_answering([collection]).count()
    if made is None:
        return count > 0
    return (
        abs(count - made.chunks) > CHANGED * max(made.chunks, 1)
        or made.questions != fingerprint(collection)
        or made.stamp != _stamp(collection)
    )


def queue(collection: Collection, owner: str = "") -> None:
    """Have a worker measure, unless one is about to."""
    if not waiting(collection).exists():
        job_queue.enqueue(JOB_KIND, str(collection.pk), owner=owner)


def waiting(collection: Collection) -> "QuerySet[Job]":
    """Jobs about this collection that are not over."""
    return Job.objects.filter(
        kind=JOB_KIND, subject=str(collection.pk), state__in=[JobState.QUEUED, JobState.RUNNING]
    )


def sweep() -> None:
    """Measure again what has changed a lot; called every few seconds, looks at one collection."""
    if Job.objects.filter(kind=JOB_KIND, state__in=[JobState.QUEUED, JobState.RUNNING]).exists():
        return
    collection = Collection.objects.filter(calibration__isnull=False).order_by("?").first()
    if collection and is_outdated(collection):
        queue(collection)


def run_calibration(lease: "Lease") -> JobState:
    """Do the job. Raises: LeaseLost."""
    collection = Collection.objects.filter(pk=int(lease.job.subject)).first()
    if collection is None:
        return JobState.CANCELLED
    try:
        calibrate(collection, lease)
    except IntegrityError:
        if Collection.objects.filter(pk=collection.pk).exists():
            raise
        return JobState.CANCELLED
    return JobState.DONE


def end_calibration(job: Job) -> None:
    """Nothing waits for it: the threshold of before goes on."""
    logger.warning("%s: the threshold stays as it was", job)


def _ask(collection: Collection, text: str, previous: str = "", scope: Scope = LIVE) -> float:
    result = retrieval.search(
        text,
        user=User(username="calibration", is_superuser=True),
        collections=Collection.objects.filter(pk=collection.pk),
        previous=previous,
        scope=scope,
    )
    return result.evidence


def _ask_made(collection: Collection, watch: "Lease | None") -> list[float]:
    """Ask what was made of the collection's own sentences, each without its document."""
    chance = random.Random(collection.pk)  # noqa: S311 - the same questions each time, no secret
    ids = sorted(chunks_answering([collection]).values_list("pk", flat=True))
    chosen = Chunk.objects.in_bulk(chance.sample(ids, min(MADE, len(ids))))
    scores = []
    for done, chunk in enumerate(chosen.values(), start=1):
        if watch and watch.should_stop():
            break
        if question := make_question(chunk.text, chance):
            scores.append(_ask(collection, question, scope=Scope(without=chunk.document_id)))
        if watch:
            watch.report_progress(done, len(chosen))
    return scores


def make_question(text: str, chance: random.Random) -> str:
    """Make words to ask from one sentence: about half of them, in their order; "" where none fits."""
    low, high = SENTENCE_CHARS
    fitting = [text[start:end] for start, end in split_sentences(text) if low <= end - start <= high]
    if not fitting:
        return ""
    sentence = chance.choice(fitting)
    words = sentence.split()
    if len(words) >= 5:
        return " ".join(word for word in words if chance.random() < 0.45)[: WORDS * 20]
    start = chance.randrange(max(1, len(sentence) // 2))  # a script without spaces
    return sentence[start : start + max(6, len(sentence) // 3)]
