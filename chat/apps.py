"""The room as an installed app."""

from django.apps import AppConfig


class ChatConfig(AppConfig):
    """Named after its package."""

    name = "chat"

    def ready(self) -> None:
        """Listen for guests who sign in."""
        from chat import adoption

        adoption.connect()
