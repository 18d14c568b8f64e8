"""Addresses of the knowledge pages, under /knowledge/."""

from django.urls import path

from knowledge.views import collections, documents, reading, upload

app_name = "knowledge"
urlpatterns = [
    path("", documents.list_page, name="list"),
    path("progress/", documents.progress, name="progress"),
    path("upload/", upload.upload, name="upload"),
    path("documents/<uuid:document_id>/", reading.document_page, name="document"),
    path("documents/<uuid:document_id>/state/", reading.state, name="state"),
    path("documents/<uuid:document_id>/original/", reading.original, name="original"),
    path("documents/<uuid:document_id>/retry/", documents.retry, name="retry"),
    path("documents/<uuid:document_id>/stop/", documents.stop, name="stop"),
    path("documents/<uuid:document_id>/delete/", documents.delete, name="delete"),
    path("collections/new/", collections.create, name="collection-new"),
    path("collections/<slug:slug>/edit/", collections.edit, name="collection-edit"),
    path("collections/<slug:slug>/delete/", collections.delete, name="collection-delete"),
]
