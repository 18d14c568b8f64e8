"""`manage.py reset [--yes]`: start over with an empty data directory."""

import shutil
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from jobs.embedded import DirectoryLock, DirectoryLocked, is_embedded

# What the site makes, downloaded models and the secret key aside; whatever else lies there stays.
MADE = {"site.sqlite3", "site.sqlite3-wal", "site.sqlite3-shm", "chroma", "files", "seeded", "serve.sock"}


class Command(BaseCommand):
    """Deletes what the embedded site stored."""

    help = "Delete database, vectors and files of the embedded site; downloaded models stay."
    requires_system_checks: list[str] = []  # a broken site can be reset

    def add_arguments(self, parser: CommandParser) -> None:
        """Take whether to ask."""
        parser.add_argument("--yes", action="store_true", help="do not ask")

    def handle(self, *args: Any, **options: Any) -> None:
        """Ask, then delete."""
        if not is_embedded() or settings.DATABASE_URL:
            raise CommandError("This site keeps its data in servers of its own; reset it there.")
        data_dir = Path(settings.DATA_DIR)
        if not options["yes"] and not self._is_sure(data_dir):
            raise CommandError("Nothing was deleted.")
        try:
            with DirectoryLock(data_dir):
                self._delete(data_dir)
        except DirectoryLocked as exc:
            raise CommandError(f"{exc}. Stop the site first.") from exc

    def _is_sure(self, data_dir: Path) -> bool:
        self.stdout.write(f"All conversations, documents and accounts in {data_dir} will be deleted.")
        try:
            return input("Type yes to go on: ").strip().lower() == "yes"
        except EOFError:
            return False

    def _delete(self, data_dir: Path) -> None:
        for path in sorted(data_dir.iterdir()):
            if path.name not in MADE:
                continue
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
        self.stdout.write("Everything was deleted; `make run` starts over.")
