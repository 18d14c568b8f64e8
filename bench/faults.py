"""What the gate holds: `python -m bench.faults`. Faults and good edits in drafts of five public collections.

Every kind is played on `--places` collections in turn. The gate's figures were chosen on every second kind
("tuned"); the others ("held_out") were first played when they stood, and docs/measurements.md has what came
of that. Three collections have golden questions (34 to be found, 6 to be refused, as the sets have them), two
have none.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bench.drafts.stage import Stage

DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "dev"


def main() -> None:
    """Play and count."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--half", choices=["tuned", "held_out", "both"], default="both")
    parser.add_argument("--only", nargs="*", default=[], help="kinds")
    parser.add_argument("--sets", nargs="*", default=[], help="collections")
    parser.add_argument("--places", type=int, default=2, help="collections a kind is played on")
    options = parser.parse_args()
    if not options.data.is_dir():
        sys.exit(f"{options.data} is not there: nothing measured")
    with tempfile.TemporaryDirectory(prefix="chatsite-bench-") as folder:
        os.environ |= {"DATA_DIR": folder, "DJANGO_SETTINGS_MODULE": "chatsite.settings"}
        _measure(options)


def _measure(options: argparse.Namespace) -> None:
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
    from bench.drafts.places import SETS, build_stage

    chosen = [one for one in SETS if not options.sets or one.name in options.sets]
    stages: list[Stage] = []
    for one in chosen:
        began = time.monotonic()
        stages.append(build_stage(options.data, one))
        _say(place=one.name, seconds=round(time.monotonic() - began, 1))
    rows = list(_play(stages, options))
    for half in ("tuned", "held_out"):
        for what in ("fault", "edit"):
            some = [row for row in rows if row["half"] == half and row["what"] == what]
            _say(half=half, what=what, cases=len(some), held=sum(bool(row["held"]) for row in some))
    for what in ("fault", "edit"):
        some = [row for row in rows if row["what"] == what]
        held = sum(bool(row["held"]) for row in some)
        _say(what=what, cases=len(some), held=held, share=round(held / max(1, len(some)), 3))


def _play(stages: "Sequence[Stage]", options: argparse.Namespace) -> "list[dict[str, object]]":
    from bench.drafts.edits import EDITS
    from bench.drafts.faults import FAULTS, NEED_GOLDEN

    rows = []
    for what, cases in (("fault", FAULTS), ("edit", EDITS)):
        for number, case in enumerate(cases):
            half = "held_out" if number % 2 else "tuned"
            if options.half not in {half, "both"} or (options.only and case.__name__ not in options.only):
                continue
            able = [
                one for one in stages if case not in NEED_GOLDEN or one.collection.golden_questions.exists()
            ]
            for turn in range(min(options.places, len(able))):
                stage = able[(number + turn) % len(able)]
                rows.append({"what": what, "half": half, **_one(stage, case)})
                _say(**rows[-1])
    return rows


def _one(stage: "Stage", case: "Callable[[Stage], object]") -> dict[str, object]:
    began = time.monotonic()
    played = stage.play(case, f"{case.__name__} {stage.collection.slug}")
    return {
        "kind": case.__name__,
        "place": stage.collection.slug,
        "held": played.is_held,
        "changed": played.is_changed,
        "reasons": list(played.reasons),
        "seconds": round(time.monotonic() - began, 1),
    }


def _say(**row: object) -> None:
    print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
