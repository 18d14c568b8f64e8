"""The room as an installed app."""

from django.apps import AppConfig


class KnowledgeConfig(AppConfig):
    """Named after its package."""

    name = "knowledge"
