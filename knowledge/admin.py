"""Collections and documents in the site's back office; files are added on the knowledge pages."""

from django.contrib import admin
from django.http import HttpRequest

from knowledge.models import Collection, Document


@admin.register(Collection)
class CollectionAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # generic in the stubs alone
    """Collections with who may read and change them."""

    list_display = ["name", "slug", "visibility", "created_at"]
    search_fields = ["name", "slug"]
    filter_horizontal = ["readers", "managers"]

    def has_delete_permission(self, request: HttpRequest, obj: Collection | None = None) -> bool:
        """Never here: deleting has to reach the index and the files too."""
        return False


@admin.register(Document)
class DocumentAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Documents, to look at."""

    list_display = ["name", "collection", "status", "error_code", "chunk_count", "created_at"]
    list_filter = ["status", "collection"]
    list_select_related = ["collection"]
    search_fields = ["name", "title", "sha256"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Never here: a document is a file that has to be read."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Document | None = None) -> bool:
        """Never here: states belong to the run."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Document | None = None) -> bool:
        """Never here: deleting has to reach the index and the files too."""
        return False
