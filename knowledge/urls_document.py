"""Addresses of one document, under /knowledge/documents/<id>/."""

from django.urls import path

from knowledge.views import chunks, documents, reading

urlpatterns = [
    path("", reading.document_page, name="document"),
    path("state/", reading.state, name="state"),
    path("original/", reading.original, name="original"),
    path("retry/", documents.retry, name="retry"),
    path("stop/", documents.stop, name="stop"),
    path("delete/", documents.delete, name="delete"),
    path("again/", chunks.again, name="again"),
    path("enable/", chunks.enable, name="enable"),
    path("replace/", chunks.replace, name="replace"),
    path("chunks/<int:chunk_id>/", chunks.card, name="chunk"),
    path("chunks/<int:chunk_id>/switch/", chunks.switch, name="chunk-switch"),
    path("chunks/<int:chunk_id>/edit/", chunks.edit, name="chunk-edit"),
]
