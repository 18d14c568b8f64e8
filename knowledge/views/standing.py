"""How a document stands towards releases and versions, as the head of its page says it. Reads only."""

from dataclasses import dataclass

from django.db.models import Exists, OuterRef, QuerySet
from django.utils.translation import get_language_info, ngettext
from django.utils.translation import gettext as _

from knowledge.models import Chunk, ChunkState, Document, ReleaseChunk
from knowledge.views.rows import Row


@dataclass(frozen=True, slots=True)
class Pill:
    """A word or two with a colour and an icon."""

    text: str
    look: str = ""
    icon: str = ""


def pills(document: Document, row: Row) -> list[Pill]:
    """Say what it is, what of it is published, and what the draft holds."""
    release = document.collection.release
    shown: list[Pill] = []
    if document.is_disabled:
        shown.append(Pill(_("Disabled"), "", "eyeoff"))
    if release is None or not row.is_ready or row.notes:
        shown.append(Pill(str(row.label), row.pill, row.icon))
    if release is None:
        if document.version:
            shown.append(Pill(_("Version %(number)d") % {"number": document.version}))
        return shown
    published = _held(document, release.pk).values_list("version", flat=True).first()
    if published is None:
        shown.append(Pill(_("Not in release %(number)d") % {"number": release.number}))
    else:
        text = _("Published in release %(number)d") % {"number": release.number}
        shown.append(Pill(text, "pill-ok", "ok"))
    if document.version and not document.is_disabled and published != document.version:
        shown.append(Pill(_("Version %(number)d in the draft") % {"number": document.version}))
    elif published is not None and _is_changed(document, release.pk):
        shown.append(Pill(_("Changed in the draft")))
    return shown


def _is_changed(document: Document, release_id: int) -> bool:
    """Whether the draft holds other chunks of the document than a release does."""
    held = set(_held(document, release_id).values_list("pk", flat=True))
    if document.is_disabled:
        return bool(held)
    live = document.chunks.filter(version=document.version, state=ChunkState.LIVE).order_by()
    return held != set(live.values_list("pk", flat=True))


def _held(document: Document, release_id: int) -> QuerySet[Chunk]:
    """Chunks of the document in a release; asked chunk by chunk, as a join would walk the whole release."""
    member = ReleaseChunk.objects.filter(chunk=OuterRef("pk"), release=release_id)
    return document.chunks.filter(Exists(member)).order_by()


def facts(document: Document) -> str:
    """Say how many chunks it has, how many of them are off, and its language."""
    current = document.chunks.filter(version=document.version)
    off = current.filter(state=ChunkState.OFF).count()
    parts = [str(document.chunk_count)]
    if off:
        parts.append(ngettext("%(count)d off", "%(count)d off", off) % {"count": off})
    if name := language_name(document.language):
        parts.append(name)
    return " · ".join(parts)


def language_name(code: str) -> str:
    """Name a language in the reader's own; the code where there is no name for it."""
    if code == "zh":
        return _("Chinese")  # which of its scripts is not told apart
    try:
        return str(get_language_info(code)["name_translated"]) if code else ""
    except KeyError:
        return code
