"""The versions of a document: what each was, where it answers, what changed from one to the next."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from django.db.models import QuerySet

from knowledge.models import Chunk, ChunkState, Document, DocumentVersion, Release

LISTED: Final = 30  # texts of a comparison that are shown on each side


@dataclass(frozen=True, slots=True)
class VersionRow:
    """A version as it is listed. releases: numbers of those that hold it; before: the one to compare to."""

    version: DocumentVersion
    releases: tuple[int, ...]
    is_current: bool
    is_published: bool
    before: int | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """What one version says that another does not; counts of all, texts of the first."""

    older: int
    newer: int
    added: list[Chunk]
    removed: list[Chunk]
    added_count: int
    removed_count: int
    kept_count: int


def version_rows(document: Document) -> list[VersionRow]:
    """List the versions that are kept, newest first."""
    releases = _releases(document)
    published = document.collection.release
    versions = list(document.versions.all())
    return [
        VersionRow(
            version=version,
            releases=tuple(releases.get(version.number, ())),
            is_current=version.number == document.version,
            is_published=published is not None and published.number in releases.get(version.number, ()),
            before=versions[place + 1].number if place + 1 < len(versions) else None,
        )
        for place, version in enumerate(versions)
    ]


def _releases(document: Document) -> Mapping[int, Sequence[int]]:
    """Numbers of the kept releases that hold a chunk of each version, oldest first."""
    held = Release.objects.filter(members__chunk__document=document).order_by("number")
    found: dict[int, list[int]] = {}
    for version, number in held.values_list("members__chunk__version", "number").distinct():
        found.setdefault(version, []).append(number)
    return found


def compare(document: Document, older: int, newer: int) -> Comparison:
    """Compare what answers of two versions; chunks that were off are not kept of older ones."""
    before, after = (_texts(document, number) for number in (older, newer))
    added = [pk for text, pk in after.items() if text not in before]
    removed = [pk for text, pk in before.items() if text not in after]
    return Comparison(
        older=older,
        newer=newer,
        added=_chunks(document, added),
        removed=_chunks(document, removed),
        added_count=len(added),
        removed_count=len(removed),
        kept_count=len(after) - len(added),
    )


def _texts(document: Document, number: int) -> dict[str, int]:
    """What the chunks of a version say, as digests that leave the title out, in reading order."""
    rows = document.chunks.filter(version=number).order_by("ordinal", "edition")
    if number == document.version:
        rows = rows.filter(state=ChunkState.LIVE)
    texts: dict[str, int] = {}
    for pk, edition, read_sha256, sha256 in rows.values_list("pk", "edition", "read_sha256", "sha256"):
        texts.setdefault(sha256 if edition or not read_sha256 else read_sha256, pk)
    return texts


def _chunks(document: Document, ids: Sequence[int]) -> list[Chunk]:
    rows: QuerySet[Chunk] = document.chunks.filter(pk__in=ids[:LISTED])
    return list(rows.order_by("ordinal"))
