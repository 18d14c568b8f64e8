"""The environment tests run in: a data directory of their own and none of the developer's variables."""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def variable_names(path: Path) -> set[str]:
    """Read the names of a file of NAME=value lines, those that are commented out included."""
    names: set[str] = set()
    for line in path.read_text(encoding="utf-8").splitlines() if path.is_file() else ():
        name, sign, _value = line.lstrip("# ").partition("=")
        if sign and name.strip().isupper() and name.strip().replace("_", "").isalnum():
            names.add(name.strip())
    return names


def isolate() -> Path:
    """Point the product at a fresh data directory and empty every variable a developer may have set.

    Empty variables count as absent and win over `.env`, so the defaults are what is tested.
    """
    for name in variable_names(ROOT / ".env.example") | variable_names(ROOT / ".env"):
        os.environ[name] = ""
        os.environ.pop(f"{name}_FILE", None)
    data_dir = Path(tempfile.mkdtemp(prefix="chatsite-test-"))
    atexit.register(shutil.rmtree, data_dir, ignore_errors=True)
    os.environ["DATA_DIR"] = str(data_dir)
    os.environ["EMBEDDER_DIR"] = str(ROOT / "build" / "embedders")
    os.environ["RATE_LIMITS"] = "off"
    os.environ["OLLAMA_URL"] = "off"  # the developer's own Ollama is none of the tests' business
    os.environ["DJANGO_SETTINGS_MODULE"] = "chatsite.settings"
    return data_dir
