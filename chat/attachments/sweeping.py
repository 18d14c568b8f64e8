"""Clear away pictures nobody sent, and files nobody names."""

import logging
import math
import time
from collections.abc import Iterator
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import Final
from uuid import UUID

from django.conf import settings
from django.core.cache import cache
from django.db import transaction
from django.utils import timezone
from redis import RedisError

from chat.attachments.keeping import unlink
from chat.models import Attachment

UNSENT_FOR: Final = timedelta(hours=24)
SWEEP_S: Final = 3600  # once an hour, whichever worker comes first
YOUNG_S: Final = 3600  # a file younger than this may still be in the making
BATCH: Final = 500

logger = logging.getLogger(__name__)


def sweep() -> None:
    """Do both, once an hour on the whole site."""
    try:
        if not cache.add("pictures:swept", True, timeout=SWEEP_S):
            return
    except (RedisError, OSError) as exc:
        logger.warning("pictures are not swept now: %s", exc)
        return
    remove_unsent()
    remove_strays()


def remove_unsent() -> int:
    """Delete the pictures that were not sent within a day; return how many."""
    removed = 0
    old = Attachment.objects.unsent().filter(created_at__lt=timezone.now() - UNSENT_FOR)
    for attachment_id in list(old.values_list("pk", flat=True)[:BATCH]):
        with transaction.atomic():
            still = Attachment.objects.unsent().select_for_update().filter(pk=attachment_id).first()
            if still is not None:
                still.delete()
                removed += 1
    return removed


def remove_strays() -> int:
    """Delete the files no row names; return how many."""
    removed = 0
    files = _old_files()
    while batch := list(islice(files, BATCH)):
        kept = set(Attachment.objects.filter(pk__in=_ids(batch)).values_list("pk", flat=True))
        for path in batch:
            if _id_of(path) not in kept:
                unlink(path)
                removed += 1
    if removed:
        logger.info("%d files without a picture were deleted", removed)
    return removed


def _old_files() -> Iterator[Path]:
    """Yield what lies in the pictures' directory for a while; what is none of ours stays."""
    before = time.time() - YOUNG_S
    directory = Path(settings.MEDIA_ROOT) / "attachments"
    for path in directory.iterdir() if directory.is_dir() else ():
        if _id_of(path) is not None and _written_at(path) < before:
            yield path


def _written_at(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:  # deleted with its row in between
        return math.inf


def _ids(paths: list[Path]) -> set[UUID]:
    return {found for path in paths if (found := _id_of(path))}


def _id_of(path: Path) -> UUID | None:
    try:
        return UUID(path.stem)
    except ValueError:
        return None
