"""`manage.py prepare`: tables, static files and, where asked, demo content, each only when needed."""

import os
import sys
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandParser

from chatsite.preparation import collect_static, prepare


class Command(BaseCommand):
    """Bring the site up to date with the code; with --serve, start it afterwards."""

    help = "Migrate, collect static files and, with --demo, fill an empty site; each only when needed."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("--demo", action="store_true", help="Seed demo content into an empty site.")
        parser.add_argument("--static-only", action="store_true", help="Static files alone; no database.")
        parser.add_argument("--serve", action="store_true", help="Start the site afterwards.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Prepare, then serve in this process, or in a fresh one where there was work to do."""
        if options["static_only"]:
            collect_static()
            return
        did_something = prepare(with_demo=options["demo"])
        if not options["serve"]:
            return
        if did_something:
            sys.stdout.flush()
            os.execv(sys.executable, [sys.executable, sys.argv[0], "serve"])  # noqa: S606
        call_command("serve")
