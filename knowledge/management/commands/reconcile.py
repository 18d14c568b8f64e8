"""`reconcile`: do database, vectors, word index and files agree?"""

import json
from typing import Any

from django.core.management.base import CommandError, CommandParser

from jobs.command import SiteCommand
from knowledge.errors import KnowledgeError
from knowledge.mending import mend
from knowledge.reconcile import Difference, compare


class Command(SiteCommand):
    """Prints what differs; exit status 1 when something does, or still does after --repair."""

    help = "Compare database, vectors, word index and files."
    needs_worker = False

    def add_arguments(self, parser: CommandParser) -> None:
        """Take --repair and --json."""
        parser.add_argument("--repair", action="store_true", help="mend what can be mended")
        parser.add_argument("--json", action="store_true", help="one JSON object a line on stdout")

    def handle(self, *args: Any, repair: bool, json: bool, **options: Any) -> None:
        """Compare, mend where asked, and compare again."""
        try:
            found = compare()
            mended = [mend(one) for one in found] if repair else [False] * len(found)
            left = compare() if repair and found else found
        except KnowledgeError as error:
            raise CommandError(f"{error.code}: {error}") from error
        for difference, is_mended in zip(found, mended, strict=True):
            self._print(difference, is_mended, as_json=json)
        self._print_end(len(found), len(left), as_json=json)
        if left:
            raise SystemExit(1)

    def _print(self, difference: Difference, is_mended: bool, *, as_json: bool) -> None:
        if as_json:
            line = {
                "kind": str(difference.kind),
                "subject": difference.subject,
                "count": difference.count,
                "repaired": is_mended,
            }
            self.stdout.write(json.dumps(line, ensure_ascii=False))
            return
        end = ", repaired" if is_mended else ""
        self.stdout.write(f"{difference.kind}: {difference.subject} ({difference.count}){end}")

    def _print_end(self, found: int, left: int, *, as_json: bool) -> None:
        if as_json:
            self.stdout.write(json.dumps({"differences": found, "left": left}))
        elif found:
            self.stdout.write(f"{found} differences, {left} left")
        else:
            self.stdout.write("database, vectors, word index and files agree")
