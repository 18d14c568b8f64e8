"""The room as an installed app."""

from django.apps import AppConfig


class ChatConfig(AppConfig):
    """Named after its package."""

    name = "chat"
