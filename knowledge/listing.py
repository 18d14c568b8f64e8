"""The administrator's list of documents: filter, count, page. Reads only."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast
from uuid import UUID

from django.core.paginator import Page, Paginator
from django.db.models import Count, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from knowledge.models import Collection, Document, DocumentStatus

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

PAGE_SIZE = 25
IN_PROGRESS = (
    DocumentStatus.QUEUED,
    DocumentStatus.PARSING,
    DocumentStatus.EMBEDDING,
    DocumentStatus.DELETING,
)


@dataclass(frozen=True, slots=True)
class StatusFilter:
    """A group of states as people look for them; no states = every one."""

    key: str
    label: "StrOrPromise"
    icon: str
    states: tuple[DocumentStatus, ...]


FILTERS = (
    StatusFilter("", _("All"), "", ()),
    StatusFilter("ready", _("Ready"), "", (DocumentStatus.READY,)),
    StatusFilter("progress", _("In progress"), "clock", IN_PROGRESS),
    StatusFilter("attention", _("Needs attention"), "alert", (DocumentStatus.FAILED,)),
)


@dataclass(frozen=True, slots=True)
class Listing:
    """What the list page shows.

    collection: None = all of them. filters: each with its count in this collection.
    total: documents in all collections.
    """

    collections: tuple[Collection, ...]
    collection: Collection | None
    status: str
    query: str
    filters: tuple[tuple[StatusFilter, int], ...]
    page: Page[Document]
    total: int


def counted(collections: QuerySet[Collection]) -> QuerySet[Collection]:
    """Give each collection its number of documents as `document_count`."""
    return collections.annotate(document_count=Count("documents"))


def list_documents(
    manageable: QuerySet[Collection], *, slug: str = "", status: str = "", query: str = "", page: str = "1"
) -> Listing | None:
    """Build the list; None when the collection is not among those the person may manage.

    An unknown status or page number means the first.
    """
    collections = tuple(counted(manageable).order_by("name"))
    chosen = next((one for one in collections if one.slug == slug), None)
    if slug and chosen is None:
        return None
    shown = [chosen] if chosen else collections
    documents = Document.objects.filter(collection__in=[one.pk for one in shown])
    if query:
        documents = documents.filter(Q(name__icontains=query) | Q(title__icontains=query))
    current = next((one for one in FILTERS if one.key == status), FILTERS[0])
    filters = _count_filters(documents)
    if current.states:
        documents = documents.filter(status__in=current.states)
    paginator = Paginator(documents.order_by("-created_at", "pk").values_list("pk", flat=True), PAGE_SIZE)
    paginator.count = next(count for one, count in filters if one == current)  # counted already
    return Listing(
        collections=collections,
        collection=chosen,
        status=current.key,
        query=query,
        filters=filters,
        page=_load(paginator.get_page(page)),
        total=sum(one.document_count for one in collections),  # type: ignore[attr-defined]
    )


def _load(ids: Page[UUID]) -> Page[Document]:
    """Fetch the documents of a page of ids: ordering whole rows to throw most away is what takes long."""
    wanted = list(ids.object_list)
    rows = Document.objects.select_related("collection", "owner").in_bulk(wanted)
    return Page(
        [rows[pk] for pk in wanted if pk in rows], ids.number, cast("Paginator[Document]", ids.paginator)
    )


def _count_filters(documents: QuerySet[Document]) -> tuple[tuple[StatusFilter, int], ...]:
    counts = dict(documents.order_by().values_list("status").annotate(Count("pk")))
    return tuple(
        (one, sum(count for state, count in counts.items() if not one.states or state in one.states))
        for one in FILTERS
    )


def stamp(document: Document) -> str:
    """Name a document as it looks now, so that a poll asks only for what changed since."""
    return f"{document.pk.hex}:{document.status}:{document.progress_done}:{document.progress_total}"


def changed_since(
    manageable: QuerySet[Collection], seen: list[str]
) -> tuple[list[Document], list[Document], list[UUID]]:
    """Compare stamps with the database.

    Returns the documents that changed, those still in progress, and the ids of those that are gone.
    """
    ids: dict[UUID, str] = {}
    for text in seen[:PAGE_SIZE]:
        try:
            ids[UUID(text.partition(":")[0])] = text
        except ValueError:
            continue
    documents = list(
        Document.objects.filter(pk__in=ids, collection__in=manageable).select_related("collection", "owner")
    )
    changed = [document for document in documents if stamp(document) != ids[document.pk]]
    moving = [document for document in documents if document.status in IN_PROGRESS]
    gone = sorted(set(ids) - {document.pk for document in documents})
    return changed, moving, gone
