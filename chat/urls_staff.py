"""Addresses of who runs the site: /assistants/ for how assistants answer, /review/ for what was said."""

from django.urls import path

from chat.views import assistants, transcripts

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
        path("<uuid:conversation>/", transcripts.transcript, name="transcript"),
    ],
    "review",
)
