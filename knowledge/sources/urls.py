"""Addresses of the pages of a collection's sources, under /knowledge/<slug>/sources/."""

from django.urls import path

from knowledge.views import source_changes, sources

urlpatterns = [
    path("", sources.source_list, name="sources"),
    path("rows/", sources.rows, name="source-rows"),
    path("new/", source_changes.new_source, name="source-new"),
    path("<int:pk>/", sources.source_page, name="source"),
    path("<int:pk>/edit/", source_changes.edit_source, name="source-edit"),
    path("<int:pk>/look/", source_changes.look, name="source-look"),
    path("<int:pk>/stop/", source_changes.stop, name="source-stop"),
    path("<int:pk>/pause/", source_changes.pause, name="source-pause"),
    path("<int:pk>/delete/", source_changes.delete, name="source-delete"),
]
