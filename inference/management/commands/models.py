"""`models list|show|pull|check|bench [MODEL]`: the Phi catalogue, and the models that are here."""

import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from inference import abilities, chosen, pulling
from inference.benchmarking import STREAMS, Floor, Speed, measure, measure_floor
from inference.catalogue import catalogue
from inference.checking import Step, check_engine, check_folder, steps_for
from inference.conf import KINDS, OFF
from inference.errors import EngineError
from inference.installed import ONNX
from inference.model_report import list_rows, list_text, show_row, show_text
from inference.progress import JsonBar, TextBar
from inference.pull import GIVEN_UP
from inference.pull_errors import PullImpossible

ACTIONS: Final = ("list", "show", "pull", "check", "bench")
NEED_A_MODEL: Final = frozenset({"show", "pull"})
USAGE: Final = 2


class Command(BaseCommand):
    """Works while the site runs and while it does not; nothing is fetched but by `pull`."""

    help = "The Phi models: what there is, what is here, fetch one, check it, measure it."
    requires_system_checks = []
    requires_migrations_checks = False

    def add_arguments(self, parser: CommandParser) -> None:
        """Take what to do, with which model, and how."""
        parser.add_argument("action", choices=ACTIONS)
        parser.add_argument(
            "model", nargs="?", default="", help="a name of the catalogue; check and bench also take a folder"
        )
        parser.add_argument("--engine", default="", help="for pull, check, bench; onnx when absent")
        parser.add_argument("--to", type=Path, metavar="DIR", help="pull: the folder to make")
        parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help="pull: what it runs on")
        parser.add_argument(
            "--streams", default="", metavar="1,2,4,8", help="bench: replies at the same time"
        )
        parser.add_argument(
            "--prompt-tokens", type=int, default=256, help="bench: how long the questions are"
        )
        parser.add_argument("--tokens", type=int, default=64, help="bench: how long the answers are, at most")
        parser.add_argument(
            "--memory-mb", type=int, default=1024, help="bench: how much is read for the floor"
        )
        parser.add_argument("--json", action="store_true", help="one JSON object a line on stdout")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it; errors end with a sentence and status 1, wrong usage with 2."""
        self._as_json = options["json"]
        if options["action"] in NEED_A_MODEL and not options["model"]:
            raise CommandError(
                f"models {options['action']} needs a MODEL; see models list.", returncode=USAGE
            )
        if options["engine"] and options["engine"] not in KINDS and options["engine"] not in pulling.ENGINES:
            raise CommandError(f"There is no engine {options['engine']}.", returncode=USAGE)
        work: Callable[[dict[str, Any]], None] = getattr(self, f"_{options['action']}")
        try:
            work(options)
        except EngineError as error:
            self._fail(error.code, str(error) or error.user_message, error)
        except BrokenPipeError:  # whoever reads has seen enough (| head)
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise SystemExit(1) from None
        except OSError as error:
            self._fail("os_error", f"{type(error).__name__}: {error}", error)
        except KeyboardInterrupt as error:
            self._fail(
                "interrupted", f"Stopped. {GIVEN_UP}" if options["action"] == "pull" else "Stopped.", error
            )

    def _list(self, options: dict[str, Any]) -> None:
        found = chosen.installed()
        if self._as_json:
            for row in list_rows(catalogue(), found, self._engines()):
                self._line(row)
            return
        for text in list_text(catalogue(), found, self._engines()):
            self.stdout.write(text)

    def _show(self, options: dict[str, Any]) -> None:
        model, found = catalogue().find(options["model"]), chosen.installed()
        if self._as_json:
            self._line(show_row(model, found, self._engines()))
            return
        for text in show_text(model, found, self._engines()):
            self.stdout.write(text)

    def _pull(self, options: dict[str, Any]) -> None:
        model = catalogue().find(options["model"])
        order = pulling.Order(
            model,
            options["engine"] or ONNX,
            options["device"],
            options["to"],
            model.ollama_tag(options["model"]),
        )
        if order.engine == "ollama" and settings.OLLAMA_URL in {"", OFF}:
            raise PullImpossible("OLLAMA_URL is off: set it to the address of an Ollama server.")
        bar = JsonBar(self._line) if self._as_json else TextBar(sys.stderr.isatty(), self._tell)
        pulled = pulling.pull(order, chosen.models_dir(), settings.OLLAMA_URL, on_progress=bar)
        bar.end()
        if self._as_json:
            self._line({"event": "done", **asdict(pulled)})
        else:
            what = "is here now" if pulled.is_new else "was here already"
            self.stdout.write(f"{pulled.model} {what}: {pulled.place}. `models check` looks at it.")

    def _check(self, options: dict[str, Any]) -> None:
        found = chosen.choose(options["model"], options["engine"])
        is_ok = True
        for step in _steps(found):
            is_ok = is_ok and step.is_ok
            self._show_step(step)
        if not is_ok:
            raise SystemExit(1)

    def _show_step(self, step: Step) -> None:
        if self._as_json:
            self._line(
                {"step": step.name, "ok": step.is_ok, "detail": step.detail, "advice": step.advice or None}
            )
            return
        self.stdout.write(f"{'ok' if step.is_ok else 'FAILED':8}{step.name:16}{step.detail}")
        if step.advice:
            self.stdout.write(f"{'':24}{step.advice}")

    def _bench(self, options: dict[str, Any]) -> None:
        streams = self._streams(options)
        found = chosen.choose(options["model"], options["engine"])
        engine = chosen.build(found)
        try:
            is_onnx = found.folder is not None and found.engine == ONNX
            floor = measure_floor(found.folder if is_onnx else None, options["memory_mb"] << 20)
            began = time.perf_counter()
            engine.load()
            self._show_machine(engine.name, engine.model, time.perf_counter() - began, engine.slots, floor)
            for speed in measure(
                engine,
                streams=streams,
                prompt_tokens=options["prompt_tokens"],
                max_tokens=options["tokens"],
            ):
                self._show_speed(speed, floor)
        finally:
            engine.close()

    def _streams(self, options: dict[str, Any]) -> tuple[int, ...]:
        try:
            streams = tuple(int(one) for one in options["streams"].split(",") if one) or STREAMS
        except ValueError:
            streams = (0,)
        if (
            min(streams) < 1
            or min(options["prompt_tokens"], options["memory_mb"]) < 1
            or options["tokens"] < 2
        ):
            raise CommandError(
                "--streams, --prompt-tokens and --memory-mb are 1 or more, --tokens 2 or more.",
                returncode=USAGE,
            )
        return streams

    def _show_machine(self, engine: str, model: str, load_s: float, slots: int, floor: Floor) -> None:
        if self._as_json:
            row = {"event": "machine", "engine": engine, "model": model, "load_s": load_s, "slots": slots}
            self._line({**row, **asdict(floor), "floor_ms_per_token": floor.ms_per_token})
            return
        self.stdout.write(f"{model} on {engine}: loaded in {load_s:.1f} s, {slots} replies at once")
        self.stdout.write(
            f"memory is read at {floor.read_gb_s:.1f} GB/s by {floor.threads} threads", ending=""
        )
        if floor.ms_per_token:
            self.stdout.write(
                f"; {floor.weights_gb:.3g} GB of weights a token: "
                f"no token in under {floor.ms_per_token:.3g} ms"
            )
        else:
            self.stdout.write("; how much of it a token takes is not known of this engine")
        if floor.is_disturbed:
            self.stdout.write(
                f"This machine is busy with other things (load {floor.busy:.1f} on {floor.threads} cores): "
                "all of this is slower than it could be."
            )
        self.stdout.write("streams  first token  prefill tok/s  decode tok/s  ms/token  × floor")

    def _show_speed(self, speed: Speed, floor: Floor) -> None:
        ratio = speed.ratio_to(floor)
        if self._as_json:
            self._line({"event": "streams", **asdict(speed), "ratio_to_floor": ratio})
            return
        self.stdout.write(
            f"{speed.streams:7}{speed.first_token_s:11.2f} s{speed.prefill_tokens_per_s:15.1f}"
            f"{speed.decode_tokens_per_s:14.1f}{speed.ms_per_token:10.1f}"
            f"{f'{ratio:9.2f}' if ratio else '        –'}"
        )

    def _engines(self) -> list[str]:
        return [name for name in abilities.ENGINES if name in KINDS]

    def _line(self, row: Mapping[str, object]) -> None:
        self.stdout.write(json.dumps(row, ensure_ascii=False, default=str))
        self.stdout.flush()

    def _tell(self, text: str, ending: str) -> None:
        self.stderr.write(text, ending=ending)
        self.stderr.flush()

    def _fail(self, code: str, message: str, error: BaseException) -> None:
        if self._as_json:
            self._line({"event": "error", "code": code, "message": message})
        raise CommandError(message) from error


def _steps(found: chosen.Chosen) -> Iterator[Step]:
    if found.folder is not None and found.engine == ONNX:
        yield from check_folder(found.folder, found.model, lambda _folder: chosen.build(found))
        return
    with closing(chosen.build(found)) as engine:
        # What another server can do is known from its refusals alone: it is asked to write, and no more.
        yield from check_engine(
            engine, steps=steps_for(engine) if engine.name in chosen.FOLDER_ENGINES else None
        )
