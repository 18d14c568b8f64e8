"""The room as an installed app."""

from django.apps import AppConfig


class JobsConfig(AppConfig):
    """Named after its package."""

    name = "jobs"
