"""The base of commands that work on the site's data, whether the embedded site runs or not."""

import sys
import time
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection

from jobs import command_socket, embedded
from jobs.models import Job


class UsageError(CommandError):
    """The command was called wrongly: exit status 2."""

    def __init__(self, message: str) -> None:
        """Carry the sentence."""
        super().__init__(message, returncode=2)


class SiteCommand(BaseCommand):
    """Runs here with the directory's lock and an in-process worker, or inside the running site.

    `needs_worker`: whether jobs must be worked on while the command runs. `path` resolves a path
    that the caller typed, also when the command runs inside the site.
    """

    needs_worker = True
    working_directory = ""

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """Make the parser; errors in usage end with status 2."""
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        parser.set_defaults(in_site=False)
        return parser

    def path(self, typed: str) -> Path:
        """Resolve a path from where the caller stands."""
        return (Path(self.working_directory or Path.cwd()) / typed).resolve()

    def execute(self, *args: Any, **options: Any) -> str | None:
        """Run here, or forward."""
        if options.pop("in_site", False):
            return super().execute(*args, **options)
        refuse_empty_database()
        if not embedded.is_embedded():
            return super().execute(*args, **options)

        for _attempt in range(50):
            try:
                with embedded.DirectoryLock(settings.DATA_DIR):
                    return self._execute_here(*args, **options)
            except embedded.DirectoryLocked:
                try:
                    sys.exit(command_socket.forward(sys.argv))
                except (FileNotFoundError, ConnectionRefusedError):
                    time.sleep(0.2)  # the other process is starting, or a command that ends soon
                except OSError as exc:
                    raise CommandError(f"The running site did not finish this command: {exc}") from exc
        raise CommandError(f"{settings.DATA_DIR} is used by another process that does not answer.")

    def _execute_here(self, *args: Any, **options: Any) -> str | None:
        if not self.needs_worker:
            return super().execute(*args, **options)
        worker = embedded.EmbeddedWorker()
        worker.start()
        try:
            return super().execute(*args, **options)
        finally:
            worker.stop()


def refuse_empty_database() -> None:
    """Say how to make a site where there is none. Raises: CommandError."""
    if Job._meta.db_table not in connection.introspection.table_names():
        raise CommandError(
            f"There is no site in {settings.DATA_DIR} yet. "
            "Start it once with `make run`, or run `manage.py prepare`."
        )
