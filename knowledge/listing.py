"""The administrator's list of documents: filter, sort, count, page. Reads only."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast
from uuid import UUID

from django.core.paginator import Page, Paginator
from django.db.models import Case, Count, F, IntegerField, Q, QuerySet, Value, When
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from knowledge.finding import documents_saying
from knowledge.models import Collection, Document, DocumentStatus
from knowledge.published import is_published

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

PAGE_SIZE = 25
MAX_SEEN = 100  # rows of one poll
IN_PROGRESS = (
    DocumentStatus.QUEUED,
    DocumentStatus.PARSING,
    DocumentStatus.EMBEDDING,
    DocumentStatus.DELETING,
)
IS_FAILED = Q(status=DocumentStatus.FAILED)
IS_PARTIAL = Q(status=DocumentStatus.READY, is_partial=True)
RULES = {
    "progress": Q(status__in=IN_PROGRESS),
    "attention": Q(is_disabled=False) & (IS_FAILED | IS_PARTIAL),
    "disabled": Q(is_disabled=True),
}


@dataclass(frozen=True, slots=True)
class StatusFilter:
    """A group of states as people look for them."""

    key: str
    label: "StrOrPromise"
    icon: str


FILTERS = (
    StatusFilter("", _("All"), ""),
    StatusFilter("published", _("Published"), ""),
    StatusFilter("progress", _("In progress"), "clock"),
    StatusFilter("attention", _("Needs attention"), "alert"),
    StatusFilter("disabled", _("Disabled"), ""),
)
AT_ONCE = StatusFilter("published", _("Ready"), "")  # where there are no releases
URGENCY = Case(
    When(IS_FAILED, then=Value(0)),
    When(IS_PARTIAL, then=Value(1)),
    When(RULES["progress"], then=Value(2)),
    When(is_disabled=True, then=Value(4)),
    default=Value(3),
    output_field=IntegerField(),
)
# by the name of a column; as first clicked: names from A, the rest from what is most
SORTS = {
    "name": Lower("name").asc(),
    "-name": Lower("name").desc(),
    "status": URGENCY.asc(),
    "-status": URGENCY.desc(),
    "chunks": F("chunk_count").desc(),
    "-chunks": F("chunk_count").asc(),
    "size": F("size_bytes").desc(),
    "-size": F("size_bytes").asc(),
    "updated": F("updated_at").desc(),
    "-updated": F("updated_at").asc(),
}


@dataclass(frozen=True, slots=True)
class Choice:
    """What a person asks the list for; as they wrote it. Empty: everything, newest first."""

    slug: str = ""
    status: str = ""
    query: str = ""
    sort: str = ""


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
    sort: str
    filters: tuple[tuple[StatusFilter, int], ...]
    page: Page[Document]
    total: int

    @property
    def shown(self) -> tuple[Collection, ...]:
        """The collections whose documents are listed."""
        return (self.collection,) if self.collection else self.collections


def counted(collections: QuerySet[Collection]) -> QuerySet[Collection]:
    """Give each collection its number of documents as `document_count`."""
    return collections.annotate(document_count=Count("documents"))


def list_documents(manageable: QuerySet[Collection], choice: Choice, page: str = "1") -> Listing | None:
    """Build the list; None when the collection is not among those the person may manage.

    An unknown status, order or page number means the first.
    """
    collections = tuple(counted(manageable).select_related("release").order_by("name"))
    chosen = next((one for one in collections if one.slug == choice.slug), None)
    if choice.slug and chosen is None:
        return None
    shown = (chosen,) if chosen else collections
    documents = _named(shown, choice.query)
    current = next((one for one in FILTERS if one.key == choice.status), FILTERS[0])
    sort = choice.sort if choice.sort in SORTS else ""
    filters = _count_filters(documents, shown)
    order = (SORTS[sort], F("created_at").desc()) if sort else (F("created_at").desc(),)
    wanted = _with_status(documents, current.key, shown).order_by(*order, "pk")
    paginator = Paginator(wanted.values_list("pk", flat=True), PAGE_SIZE)
    paginator.count = next(count for one, count in filters if one.key == current.key)  # counted already
    return Listing(
        collections=collections,
        collection=chosen,
        status=current.key,
        query=choice.query,
        sort=sort,
        filters=filters,
        page=_load(paginator.get_page(page)),
        total=sum(one.document_count for one in collections),  # type: ignore[attr-defined]
    )


def matching(manageable: QuerySet[Collection], choice: Choice) -> QuerySet[Document]:
    """All documents that a list shows on all of its pages; none of a collection that is not the person's."""
    collections = tuple(manageable.filter(slug=choice.slug) if choice.slug else manageable)
    return _with_status(_named(collections, choice.query), choice.status, collections).order_by("pk")


def _named(places: tuple[Collection, ...], query: str) -> QuerySet[Document]:
    documents = Document.objects.filter(collection__in=[one.pk for one in places])
    if not query:
        return documents
    by_name = Q(name__icontains=query) | Q(title__icontains=query)
    return documents.filter(by_name | Q(pk__in=documents_saying(query, places)))


def _with_status(
    documents: QuerySet[Document], key: str, places: tuple[Collection, ...]
) -> QuerySet[Document]:
    if key == "published":
        return documents.filter(_is_published(places))
    return documents.filter(RULES[key]) if key in RULES else documents


def _is_published(places: tuple[Collection, ...]) -> Q:
    """What visitors get answers from: what a release holds, and what is ready where there are none."""
    at_once = [one.pk for one in places if one.release_id is None]
    rule = Q(collection__in=at_once, status=DocumentStatus.READY, is_disabled=False)
    with_release = [one.pk for one in places if one.release_id]
    return rule | Q(is_published(), collection__in=with_release) if with_release else rule


def _load(ids: Page[UUID]) -> Page[Document]:
    """Fetch the documents of a page of ids: ordering whole rows to throw most away is what takes long."""
    wanted = list(ids.object_list)
    rows = Document.objects.select_related("collection__release", "owner").in_bulk(wanted)
    return Page(
        [rows[pk] for pk in wanted if pk in rows], ids.number, cast("Paginator[Document]", ids.paginator)
    )


def _count_filters(
    documents: QuerySet[Document], places: tuple[Collection, ...]
) -> tuple[tuple[StatusFilter, int], ...]:
    """Count each filter's documents: two questions, the first answered by an index alone."""
    counts = documents.order_by().aggregate(
        all=Count("pk"), **{key: Count("pk", filter=rule) for key, rule in RULES.items()}
    )
    counts["published"] = documents.filter(_is_published(places)).count()
    has_releases = any(one.release_id for one in places)
    return tuple(
        (one if has_releases or one.key != "published" else AT_ONCE, counts[one.key or "all"])
        for one in FILTERS
    )


def stamp(document: Document) -> str:
    """Name a document as it looks now, so that a poll asks only for what changed since."""
    progress = f"{document.progress_done}:{document.progress_total}"
    return f"{document.pk.hex}:{document.status}:{progress}:{document.collection_id}"


def changed_since(
    manageable: QuerySet[Collection], seen: list[str]
) -> tuple[list[Document], list[Document], list[UUID]]:
    """Compare stamps with the database.

    Returns the documents that changed, those that did not, and the ids of those that are gone from these
    collections.
    """
    ids: dict[UUID, str] = {}
    for text in seen[:MAX_SEEN]:
        try:
            ids[UUID(text.partition(":")[0])] = text
        except ValueError:
            continue
    found = Document.objects.filter(pk__in=ids, collection__in=manageable)
    documents = list(found.select_related("collection__release", "owner"))
    changed = [document for document in documents if stamp(document) != ids[document.pk]]
    same = [document for document in documents if stamp(document) == ids[document.pk]]
    gone = sorted(set(ids) - {document.pk for document in documents})
    return changed, same, gone
