"""Demo content: `manage.py seed [--no-wait]`."""

import time
from typing import Any

from django.core.management.base import CommandError, CommandParser

from chatsite.seeding import seed
from jobs.command import SiteCommand
from knowledge.models import Document, DocumentStatus

WAIT_S = 300


class Command(SiteCommand):
    """Adds what is missing; running it again changes nothing."""

    help = "Add demo people, documents and assistants. Passwords are printed once (or set SEED_PASSWORD)."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take whether to wait."""
        parser.add_argument(
            "--no-wait", action="store_true", help="leave the reading of documents to the running workers"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Seed, and wait until the documents can be asked about."""
        seeded = seed()
        if not (seeded.people or seeded.documents):
            self.stdout.write("The demo content is there already; nothing was changed.")
        if seeded.documents:
            self.stdout.write(f"Demo documents: {len(seeded.documents)}")
        try:
            if not options["no_wait"]:
                self._wait(seeded.documents)
        finally:  # last, so that it is not lost among other lines; and whatever happens, it is shown
            if seeded.people:
                self.stdout.write(f"Demo accounts: {', '.join(seeded.people)}")
                self.stdout.write(f"Password of each: {seeded.password}  (shown only now)")

    def _wait(self, documents: list[Document]) -> None:
        rows = Document.objects.filter(pk__in=[document.pk for document in documents])
        deadline = time.monotonic() + WAIT_S
        while rows.exclude(status__in=[DocumentStatus.READY, DocumentStatus.FAILED]).exists():
            if time.monotonic() > deadline:
                raise CommandError("The documents are still being read. Is an ingestion worker running?")
            time.sleep(0.2)
        if failed := list(rows.filter(status=DocumentStatus.FAILED)):
            raise CommandError("\n".join(f"{document.name}: {document.error_message}" for document in failed))
