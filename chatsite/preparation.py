"""What a version of the code needs before it can serve: tables, static files, demo content.

Each part looks first whether there is anything to do, so that a second start costs almost nothing.
"""

import hashlib
from pathlib import Path

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from inference.filelock import locked


def prepare(*, with_demo: bool) -> bool:
    """Bring tables and static files up to date, and fill an empty site; say whether that took anything."""
    did_tables = _migrate()
    did_static = collect_static()
    did_demo = with_demo and _seed_empty_site()
    return did_tables or did_static or did_demo


def _migrate() -> bool:
    executor = MigrationExecutor(connection)
    if not executor.migration_plan(executor.loader.graph.leaf_nodes()):
        return False
    call_command("migrate", interactive=False, verbosity=1)
    return True


def collect_static() -> bool:
    """Collect static files unless the same ones are there; say whether it was needed."""
    root = Path(settings.STATIC_ROOT)
    stamp, fingerprint = root / "prepared.sha256", _static_fingerprint()
    if _holds(stamp, fingerprint):
        return False
    with locked(root.parent / ".setup-static.lock"):
        if _holds(stamp, fingerprint):  # another process has just done it
            return True
        # not cleared: a site that runs still sends the files of its own version, whose names hold their hash
        call_command("collectstatic", interactive=False, verbosity=0)
        stamp.write_text(fingerprint, encoding="utf-8")
    return True


def _holds(stamp: Path, fingerprint: str) -> bool:
    return stamp.is_file() and stamp.read_text(encoding="utf-8") == fingerprint


def _static_fingerprint() -> str:
    """Hash our own static files and the pinned packages, which bring theirs."""
    digest = hashlib.sha256((settings.BASE_DIR / "requirements.txt").read_bytes())
    for folder in settings.STATICFILES_DIRS:
        for path in sorted(Path(folder).rglob("*")):
            if path.is_file():
                digest.update(str(path.relative_to(folder)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _seed_empty_site() -> bool:
    """Seed a site nobody uses yet. A seeding that was cut off is taken up again: `seed` is idempotent."""
    stamp = Path(settings.DATA_DIR) / "seeded"
    state = stamp.read_text(encoding="utf-8") if stamp.is_file() else ""
    if state == "done" or (not state and get_user_model().objects.exists()):
        return False
    stamp.write_text("started", encoding="utf-8")
    call_command("seed")
    stamp.write_text("done", encoding="utf-8")
    return True
