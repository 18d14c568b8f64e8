"""Set-up with nothing but the standard library: `python3 scripts/set_up.py runtime|dev|system`.

`runtime` makes .venv with the pinned requirements, .env and the default embedder; `dev` adds what
tests and checks need; `system` sees to the programs the tests start. Each step is skipped while what
it was made from has not changed. Written so that an old Python can read it far enough to say so.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
EMBEDDERS = "build/embedders"


def main() -> None:
    """Run the steps named on the command line."""
    if sys.version_info < (3, 11):
        stop("Python 3.11 or newer is needed as `python3`; this is " + sys.version.split()[0])
    os.chdir(ROOT)
    steps = {"runtime": set_up_runtime, "dev": set_up_dev, "system": set_up_system}
    for name in sys.argv[1:]:
        if name not in steps:
            stop(f"usage: set_up.py {'|'.join(steps)} …", status=2)
        steps[name]()


def set_up_runtime() -> None:
    """Make what the site needs."""
    make_venv()
    install("requirements.txt")
    make_env_file()
    export_embedder()


def set_up_dev() -> None:
    """Make what tests and checks need."""
    make_venv()
    install("requirements.txt", "requirements-dev.txt")
    make_env_file()
    export_embedder()


def make_venv() -> None:
    """Make .venv, or make it again when its Python no longer runs or is another version."""
    wanted = f"{sys.version_info[0]}.{sys.version_info[1]}"
    probe = "import sys; print('%d.%d' % sys.version_info[:2])"
    if PYTHON.exists() and output(str(PYTHON), "-c", probe) == wanted:
        return
    say("Making the virtual environment in .venv")
    try:
        import ensurepip  # noqa: F401
        import venv
    except ImportError:
        stop(f"This Python cannot make virtual environments. Debian: apt-get install python{wanted}-venv")
    venv.create(VENV, with_pip=True, clear=True)


def install(*files: str) -> None:
    """Install requirement files unless exactly these contents are installed already."""
    stamp = VENV / f"{Path(files[-1]).stem}.sha256"
    wanted = fingerprint(*files)
    if stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
        return
    say(f"Installing {files[-1]} (a few minutes the first time)")
    arguments = [part for name in files for part in ("-r", name)]
    run(str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *arguments)
    for count in range(1, len(files) + 1):
        done = files[:count]
        (VENV / f"{Path(done[-1]).stem}.sha256").write_text(fingerprint(*done), encoding="utf-8")


def make_env_file() -> None:
    """Start .env as a copy of the example, in which everything is a comment."""
    if not (ROOT / ".env").exists():
        say("Making .env from .env.example")
        shutil.copyfile(ROOT / ".env.example", ROOT / ".env")


def export_embedder() -> None:
    """Export the default embedder to ONNX once per recipe; nothing is downloaded."""
    stamp = VENV / "embedder.sha256"
    wanted = fingerprint("inference/export/minilm.py")
    folder = Path(os.environ.get("EMBEDDER_DIR") or EMBEDDERS)
    if any(folder.glob("*/export.json")) and stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
        return
    say("Exporting the embedder (ten seconds, once)")
    run(str(PYTHON), "-m", "inference.export.minilm")
    stamp.write_text(wanted, encoding="utf-8")


def set_up_system() -> None:
    """Install the programs the tests start where we may, else name the exact command and fail."""
    missing = [package for package, is_there in SYSTEM_NEEDS.items() if not is_there()]
    if not missing:
        return
    command = ["apt-get", "install", "--yes", "--no-install-recommends", *missing]
    prefix = root_prefix()
    if prefix is None or not shutil.which("apt-get"):
        stop("The tests need more programs. Run:\n  sudo apt-get update && sudo " + " ".join(command))
    say(f"Installing {', '.join(missing)}")
    quietly = [*prefix, "env", "DEBIAN_FRONTEND=noninteractive"]
    run(*quietly, "apt-get", "update", "--quiet")
    run(*quietly, *command)


def has_chromium() -> bool:
    """Say whether the browser is here."""
    return bool(shutil.which("chromium"))


def has_redis() -> bool:
    """Say whether the Redis server is here."""
    return bool(shutil.which("redis-server"))


def has_postgresql() -> bool:
    """Say whether PostgreSQL's server programs are here; Debian keeps them off the PATH."""
    return bool(shutil.which("initdb") or list(Path("/usr/lib/postgresql").glob("*/bin/initdb")))


def has_tesseract() -> bool:
    """Say whether text recognition is here."""
    return bool(shutil.which("tesseract"))


def has_hebrew() -> bool:
    """Say whether text recognition knows Hebrew."""
    return "heb" in output("tesseract", "--list-langs").split()


def has_fonts() -> bool:
    """Say whether the letters are here that tests print pages with."""
    return Path("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf").exists()


def has_openssl() -> bool:
    """Say whether a test can make itself a certificate that nobody vouches for."""
    return shutil.which("openssl") is not None


SYSTEM_NEEDS = {
    "chromium": has_chromium,
    "redis-server": has_redis,
    "postgresql": has_postgresql,
    "tesseract-ocr": has_tesseract,
    "tesseract-ocr-heb": has_hebrew,
    "fonts-dejavu-core": has_fonts,
    "openssl": has_openssl,
}


def root_prefix() -> "list[str] | None":
    """Return what to put before a command to run it as root; None where that is not possible."""
    if os.geteuid() == 0:
        return []
    may = shutil.which("sudo") and subprocess.run(["sudo", "-n", "true"], capture_output=True).returncode == 0
    return ["sudo", "-n"] if may else None


def fingerprint(*files: str) -> str:
    """Hash the contents of files."""
    return hashlib.sha256(b"\0".join((ROOT / name).read_bytes() for name in files)).hexdigest()


def output(*command: str) -> str:
    """Run a command and return what it prints; nothing when it fails."""
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def run(*command: str) -> None:
    """Run a command; end with its exit status when it fails."""
    status = subprocess.run(command, stdin=subprocess.DEVNULL).returncode
    if status:
        stop(f"{' '.join(command)} failed", status=status)


def say(sentence: str) -> None:
    """Tell what happens."""
    print(f"— {sentence}", flush=True)


def stop(sentence: str, status: int = 1) -> NoReturn:
    """End with a sentence on stderr."""
    print(sentence, file=sys.stderr)
    sys.exit(status)


if __name__ == "__main__":
    main()
