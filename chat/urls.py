"""Addresses of the chat: / and /chat/."""

from django.urls import path

from chat.views import attachments, chat

app_name = "chat"
urlpatterns = [
    path("", chat.home, name="home"),
    path("chat/attachments/", attachments.upload, name="attachments"),
    path("chat/attachments/<uuid:attachment_id>/", attachments.attachment, name="attachment"),
    path("chat/<slug:slug>/", chat.new_chat, name="assistant"),
    path("chat/<slug:slug>/<uuid:conversation_id>/", chat.conversation, name="conversation"),
]
