"""The room as an installed app."""

from django.apps import AppConfig


class InferenceConfig(AppConfig):
    """Named after its package."""

    name = "inference"
