"""`ingest`: add files or folders to a collection and wait until each is ready or failed."""

import json as json_lines
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.core.files import File
from django.core.management.base import CommandParser

from accounts.models import User
from jobs.command import SiteCommand, UsageError
from jobs.models import Job
from knowledge import ingest
from knowledge.errors import KnowledgeError
from knowledge.extract.errors import ExtractError
from knowledge.models import Collection, Document, DocumentStatus

POLL_S = 0.1
OVER = (DocumentStatus.READY, DocumentStatus.FAILED)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one file; its fields are the JSON line's."""

    file: str
    document: str | None
    status: str
    chunks: int
    pages: int | None
    seconds: float
    error: dict[str, str] | None

    def as_json(self) -> str:
        """Write one line."""
        fields = {name: getattr(self, name) for name in self.__slots__}
        return json_lines.dumps(fields, ensure_ascii=False)


class Command(SiteCommand):
    """Exit status 1 when a file failed, 2 when the collection, person or path does not exist."""

    help = "Add files or folders to a collection and wait for each."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take paths, the collection, and who adds them."""
        parser.add_argument("paths", nargs="+", metavar="PATH")
        parser.add_argument("--collection", required=True, metavar="SLUG")
        parser.add_argument("--user", default="", metavar="NAME", help="who owns the documents")
        parser.add_argument("--json", action="store_true", help="one JSON object a line on stdout")

    def handle(
        self, *args: Any, paths: list[str], collection: str, user: str, json: bool, **options: Any
    ) -> None:
        """Add all, then report each in order."""
        into = Collection.objects.filter(slug=collection).first()
        if into is None:
            raise UsageError(f"There is no collection “{collection}”.")
        owner = User.objects.filter(username=user).first() if user else None
        if user and owner is None:
            raise UsageError(f"There is nobody called “{user}”.")
        files = [file for typed in paths for file in self._files(typed)]
        added = [(file, self._add(into, file, owner)) for file in files]
        failed = 0
        for file, result in added:
            outcome = self._wait(file, result) if isinstance(result, Document) else result
            failed += outcome.status != DocumentStatus.READY
            self.stdout.write(outcome.as_json() if json else self._sentence(outcome))
            self.stdout.flush()
        if failed:
            raise SystemExit(1)

    def _files(self, typed: str) -> Iterator[Path]:
        path = self.path(typed)
        if path.is_file():
            yield path
        elif path.is_dir():
            inside = (one for one in sorted(path.rglob("*")) if one.is_file())
            yield from (
                one for one in inside if not any(p.startswith(".") for p in one.relative_to(path).parts)
            )
        else:
            raise UsageError(f"There is no file or folder “{typed}”.")

    def _add(self, collection: Collection, path: Path, owner: User | None) -> Document | Outcome:
        try:
            with path.open("rb") as opened:
                return ingest.add_document(collection, path.name, File(opened, path.name), owner=owner)
        except (ExtractError, KnowledgeError) as error:
            reason = {"code": str(error.code), "message": error.user_message}
        except OSError as error:
            reason = {"code": "unreadable", "message": str(error.strerror)}
        return Outcome(str(path), None, DocumentStatus.FAILED, 0, None, 0.0, reason)

    def _wait(self, path: Path, added: Document) -> Outcome:
        while True:
            document = Document.objects.filter(pk=added.pk).first()
            if document is None or document.status == DocumentStatus.DELETING:
                reason = {"code": "document_lost", "message": "It was deleted meanwhile."}
                return Outcome(str(path), None, DocumentStatus.FAILED, 0, None, 0.0, reason)
            if document.status in OVER:
                return self._outcome(path, document)
            time.sleep(POLL_S)

    def _outcome(self, path: Path, document: Document) -> Outcome:
        job = Job.objects.filter(kind=ingest.JOB_KIND, subject=str(document.pk)).latest("created_at")
        started_at = job.started_at or document.created_at
        is_failed = document.status == DocumentStatus.FAILED
        return Outcome(
            file=str(path),
            document=str(document.pk),
            status=document.status,
            chunks=document.chunk_count,
            pages=document.pages,
            seconds=round((document.updated_at - started_at).total_seconds(), 3),
            error={"code": document.error_code, "message": document.error_message} if is_failed else None,
        )

    def _sentence(self, outcome: Outcome) -> str:
        name = Path(outcome.file).name
        if outcome.error:
            return f"{name}: {outcome.status} ({outcome.error['code']}): {outcome.error['message']}"
        return f"{name}: {outcome.status}, {outcome.chunks} chunks in {outcome.seconds:.1f} s"
