"""`evaluate`: how good retrieval and answers are on golden questions."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn
from uuid import uuid4

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from inference.conf import model_folder
from inference.errors import EngineError
from jobs.embedded import is_embedded
from knowledge import ingest, retrieval
from knowledge.evaluation import (
    Answerer,
    BadEvaluationFile,
    GoldenDocument,
    GoldenQuestion,
    ask,
    hold_out,
    ingest_documents,
    read_documents,
    read_questions,
)
from knowledge.evaluation_report import Figure, report, report_answers
from knowledge.models import Collection, Visibility

IN_PLACE = "EVALUATE_IN_PLACE"  # set for the child that owns its data directory
USAGE = 2


class Command(BaseCommand):
    """Works while the site runs: embedded, a child process gets a data directory of its own.

    Scaled out, it makes a collection that nobody may read and deletes it afterwards.
    """

    help = "Ingest golden documents, ask golden questions, and print how often the answer was found."
    requires_migrations_checks = False

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the files and what to measure."""
        parser.add_argument("--documents", required=True, type=Path, metavar="FILE.jsonl")
        parser.add_argument("--questions", required=True, type=Path, metavar="FILE.jsonl")
        parser.add_argument("--k", type=int, default=5, help="also count hits among the first K")
        parser.add_argument("--limit", type=int, default=0, help="ask only so many, spread over the file")
        parser.add_argument("--hold-out", type=float, default=0.0, help="leave out this share of documents")
        parser.add_argument("--answers", action="store_true", help="also ask the engine")
        parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")

    def handle(self, *args: Any, **options: Any) -> None:
        """Check the files, then measure here or in a child."""
        if not (1 <= options["k"] <= 10 and options["limit"] >= 0 and 0 <= options["hold_out"] < 1):
            raise CommandError("--k is 1 to 10, --limit at least 0, --hold-out below 1.", returncode=USAGE)
        try:
            documents, questions = read_documents(options["documents"]), read_questions(options["questions"])
        except BadEvaluationFile as exc:
            raise CommandError(str(exc), returncode=USAGE) from exc
        if is_embedded() and not os.environ.get(IN_PLACE):
            sys.exit(_run_in_child())
        if options["limit"]:
            step = max(1, len(questions) // options["limit"])
            questions = questions[::step][: options["limit"]]
        documents = hold_out(documents, options["hold_out"])
        with _ending_cleanly(), _collection() as collection:
            figures = self._measure(documents, questions, collection, options)
        self._print(figures, as_json=options["json"])

    def _measure(
        self,
        documents: Sequence[GoldenDocument],
        questions: Sequence[GoldenQuestion],
        collection: Collection,
        options: dict[str, Any],
    ) -> dict[str, Figure]:
        def tell_documents(done: int) -> None:
            self._tell("documents", done, len(documents))

        corpus = ingest_documents(documents, collection, tell_documents)
        retrieval.warm()
        answer = _answerer() if options["answers"] else None
        asked = []
        for done, question in enumerate(questions, start=1):
            asked.append(ask(corpus, question, answer))
            self._tell("questions", done, len(questions))
        figures = report(asked, corpus, options["k"])
        return figures | report_answers(asked) if answer else figures

    def _tell(self, what: str, done: int, total: int) -> None:
        if done == total or done % 100 == 0:
            self.stderr.write(f"{what}: {done} of {total}")

    def _print(self, figures: dict[str, Figure], *, as_json: bool) -> None:
        if as_json:
            self.stdout.write(json.dumps(figures))
            return
        for name, figure in figures.items():
            self.stdout.write(f"{name:24} {figure}")


def _answerer() -> Answerer:
    from chat.evaluated import Answering

    return Answering()


@contextmanager
def _collection() -> Iterator[Collection]:
    """A collection for this run, gone afterwards."""
    if os.environ.get(IN_PLACE):
        call_command("migrate", verbosity=0)
    slug = f"evaluation-{uuid4().hex[:12]}"
    collection = Collection.objects.create(slug=slug, name=slug, visibility=Visibility.GROUPS)
    try:
        yield collection
    finally:
        if not os.environ.get(IN_PLACE):  # the child's whole directory goes
            ingest.delete_collection(collection)


@contextmanager
def _ending_cleanly() -> Iterator[None]:
    """Turn SIGTERM into an exit that runs the cleaning up."""

    def end(_signal: int, _frame: FrameType | None) -> NoReturn:
        raise SystemExit(1)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _run_in_child() -> int:
    """Run this very command in a process with a temporary data directory; return its exit status."""
    folder = tempfile.mkdtemp(prefix="chatsite-evaluate-")
    environment = os.environ | {
        IN_PLACE: "1",
        "DATA_DIR": folder,
        "DATABASE_URL": "",
        "REDIS_URL": "",
        "CHROMA_URL": "",
        "SECRET_KEY": settings.SECRET_KEY,
        "EMBEDDER_DIR": str(settings.EMBEDDER_DIR),
        "MODEL_PATH": _model_path(),
    }
    with _ending_cleanly():
        child = subprocess.Popen([sys.executable, *sys.argv], env=environment)  # noqa: S603 - ourselves
        try:
            return child.wait()
        except KeyboardInterrupt:
            return 1
        finally:
            if child.poll() is None:
                child.terminate()
                try:
                    child.wait(timeout=10)
                except subprocess.TimeoutExpired:
                    child.kill()
                    child.wait()
            shutil.rmtree(folder, ignore_errors=True)


def _model_path() -> str:
    """Where the model is that this site would use: the child's data directory has none."""
    try:
        return str(model_folder())
    except EngineError:
        return ""
