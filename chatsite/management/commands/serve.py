"""The embedded site: `manage.py serve [--host] [--port]`."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from jobs.command import refuse_empty_database
from jobs.embedded import DirectoryLock, DirectoryLocked, is_embedded


class Command(BaseCommand):
    """Serves until it is stopped."""

    help = "Run the whole site in this process, on SQLite and the data directory."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the address."""
        parser.add_argument("--host", default=settings.HOST)
        parser.add_argument("--port", type=int, default=settings.PORT)

    def handle(self, *args: Any, **options: Any) -> None:
        """Hold the data directory's lock and serve."""
        if not is_embedded():
            raise CommandError(
                "REDIS_URL or CHROMA_URL is set: this site is scaled out. "
                "Start daphne and the workers as docker-compose.yml does."
            )
        refuse_empty_database()
        try:
            with DirectoryLock(settings.DATA_DIR):
                self._serve(options["host"], options["port"])
        except DirectoryLocked as exc:
            raise CommandError(
                f"{exc}. If the site is running already, open it in the browser; "
                "to run a second one, set DATA_DIR to another folder."
            ) from exc

    def _serve(self, host: str, port: int) -> None:
        from chatsite.server import PortTaken, Site

        try:
            Site(host, port, self._say_ready).run()
        except PortTaken as exc:
            raise CommandError(f"{exc} Choose another with --port or PORT.") from exc

    def _say_ready(self, url: str) -> None:
        self.stdout.write(f"The site is at {url}  (data in {settings.DATA_DIR}; stop with Ctrl-C)")
        self.stdout.flush()
