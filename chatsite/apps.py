"""The wiring as an installed app, for its commands, templates and system checks."""

from django.apps import AppConfig


class ChatsiteConfig(AppConfig):
    """Registers the system checks."""

    name = "chatsite"

    def ready(self) -> None:
        """Import what registers itself."""
        from chatsite import checks

        checks.register_all()
