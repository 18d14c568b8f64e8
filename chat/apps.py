"""The room as an installed app."""

from django.apps import AppConfig


class ChatConfig(AppConfig):
    """Named after its package."""

    name = "chat"

    def ready(self) -> None:
        """Listen for guests who sign in, and for pictures that are deleted with what they belong to."""
        from chat import adoption
        from chat.attachments import keeping

        adoption.connect()
        keeping.connect()
