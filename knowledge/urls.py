"""Addresses of the knowledge pages, under /knowledge/."""

from django.urls import include, path

from knowledge.views import (
    answering,
    answers,
    bulk,
    collections,
    list_page,
    notices,
    summaries,
    testing,
    upload,
)

app_name = "knowledge"
urlpatterns = [
    path("", list_page.list_page, name="list"),
    path("progress/", list_page.progress, name="progress"),
    path("bulk/", bulk.act, name="bulk"),
    path("refusals/dismiss/", notices.dismiss, name="dismiss"),
    path("test/", testing.try_page, name="test-all"),
    path("<slug:slug>/test/", testing.try_page, name="test"),
    path("<slug:slug>/test/keep/", testing.keep, name="test-keep"),
    path("upload/", upload.upload, name="upload"),
    path("documents/<uuid:document_id>/", include("knowledge.urls_document")),
    path("documents/<uuid:document_id>/summary/", summaries.document_summary, name="summary"),
    path("documents/<uuid:document_id>/summary/make/", summaries.make_document_summary, name="summary-make"),
    path("documents/<uuid:document_id>/summary/stop/", summaries.stop_document_summary, name="summary-stop"),
    path("<slug:slug>/summary/", summaries.collection_summary, name="collection-summary"),
    path("<slug:slug>/summary/make/", summaries.make_collection_summary, name="collection-summary-make"),
    path("<slug:slug>/summary/stop/", summaries.stop_collection_summary, name="collection-summary-stop"),
    path("answers/new/", answers.start, name="answer-start"),
    path("<slug:slug>/answering/", answering.answering, name="answering"),
    path("<slug:slug>/answers/", answers.answer_list, name="answers"),
    path("<slug:slug>/answers/new/", answers.new_answer, name="answer-new"),
    path("<slug:slug>/answers/documents/", answers.document_names, name="answer-documents"),
    path("<slug:slug>/answers/<int:pk>/", answers.edit_answer, name="answer"),
    path("<slug:slug>/answers/<int:pk>/switch/", answers.switch_answer, name="answer-switch"),
    path("<slug:slug>/answers/<int:pk>/delete/", answers.delete_answer, name="answer-delete"),
    path("<slug:slug>/sources/", include("knowledge.sources.urls")),
    path("<slug:slug>/", include("knowledge.releases.urls")),
    path("collections/new/", collections.create, name="collection-new"),
    path("collections/<slug:slug>/edit/", collections.edit, name="collection-edit"),
    path("collections/<slug:slug>/delete/", collections.delete, name="collection-delete"),
]
