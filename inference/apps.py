"""The room as an installed app. It has no models."""

from django.apps import AppConfig


class InferenceConfig(AppConfig):
    """Named after its package."""

    name = "inference"
