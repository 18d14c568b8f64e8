"""Addresses of who runs the site: /assistants/ how assistants answer, /review/ what was said, /models/."""

from django.urls import path

from chat.views import answers, assistants, cited, models, transcripts

assistant_urls = (
    [
        path("", assistants.assistant_list, name="list"),
        path("new/", assistants.new_assistant, name="new"),
        path("preview/", assistants.preview, name="preview"),
        path("<slug:slug>/", assistants.edit_assistant, name="edit"),
        path("<slug:slug>/delete/", assistants.delete_assistant, name="delete"),
    ],
    "assistants",
)
review_urls = (
    [
        path("", transcripts.transcript_list, name="list"),
        path("answer-preview/", answers.answer_preview, name="answer-preview"),
        path("<uuid:conversation>/", transcripts.transcript, name="transcript"),
        path("cited/<uuid:document_id>/", cited.cited, name="cited"),
        path("cited/<uuid:document_id>/counts/", cited.counts, name="cited-counts"),
    ],
    "review",
)
model_urls = (
    [
        path("", models.page, name="page"),
        path("engines/", models.engine_list, name="engines"),
        path("ask/", models.ask, name="ask"),
        path("ask/<slug:key>/", models.duel, name="duel"),
        path("ask/<slug:key>/stop/", models.stop_duel, name="stop-duel"),
        path("<str:model_id>/status/", models.status, name="status"),
        path("<str:model_id>/pull/", models.pull, name="pull"),
        path("<str:model_id>/stop/", models.stop, name="stop"),
    ],
    "models",
)
