"""Assistants in Django's administration. Conversations are not here: /review/ writes down who reads them."""

from django.contrib import admin

from chat.models import Assistant


@admin.register(Assistant)
class AssistantAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """The raw fields; the settings page is the comfortable way."""

    list_display = ("name", "slug", "language", "engine", "is_public", "created_at")
    list_filter = ("is_public",)
    search_fields = ("name", "slug")
    filter_horizontal = ("collections",)
