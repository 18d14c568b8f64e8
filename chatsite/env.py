"""Typed readers of the environment. NAME_FILE names a file that holds the value, for secrets."""

import os
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.core.exceptions import ImproperlyConfigured


def load_dotenv(path: Path) -> None:
    """Take NAME=value lines of a file into the environment; what is already set wins."""
    if not path.is_file():
        return
    for line in path.read_text(encoding="utf-8").splitlines():
        name, sign, value = line.strip().partition("=")
        if sign and not name.startswith("#"):
            os.environ.setdefault(name.strip(), value.strip().strip("'\""))


def text(name: str, default: str = "") -> str:
    """Read a string; NAME_FILE wins over NAME. Raises: ImproperlyConfigured for an unreadable file."""
    if path := os.environ.get(f"{name}_FILE"):
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except OSError as exc:
            raise ImproperlyConfigured(f"{name}_FILE cannot be read: {exc}") from exc
    return os.environ.get(name) or default


def directory(name: str, default: Path) -> Path:
    """Read a folder we may write to, and make it. Raises: ImproperlyConfigured."""
    path = Path(text(name, str(default))).resolve()
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise ImproperlyConfigured(
            f"{name} {path} cannot be made: {exc.strerror}. Name another folder."
        ) from exc
    if not os.access(path, os.W_OK | os.X_OK):
        raise ImproperlyConfigured(
            f"{name} {path} cannot be written to. Change its owner, or name another folder."
        )
    return path


def number(name: str, default: float) -> float:
    """Read a number. Raises: ImproperlyConfigured."""
    value = text(name)
    try:
        return float(value) if value else default
    except ValueError as exc:
        raise ImproperlyConfigured(f"{name} must be a number, not {value!r}") from exc


def integer(name: str, default: int) -> int:
    """Read a whole number. Raises: ImproperlyConfigured."""
    value = number(name, default)
    if value != int(value):
        raise ImproperlyConfigured(f"{name} must be a whole number, not {value}")
    return int(value)


def flag(name: str, default: bool) -> bool:
    """Read on/off, yes/no, true/false, 1/0. Raises: ImproperlyConfigured."""
    value = text(name).lower()
    if not value:
        return default
    if value in {"on", "yes", "true", "1"}:
        return True
    if value in {"off", "no", "false", "0"}:
        return False
    raise ImproperlyConfigured(f"{name} must be on or off, not {value!r}")


def words(name: str, default: str = "") -> list[str]:
    """Read a list separated by commas."""
    return [item.strip() for item in text(name, default).split(",") if item.strip()]


def language(name: str, default: str, known: list[str]) -> str:
    """Read a language code; a shell's own LANGUAGE ("en_GB:en") counts as its first known part."""
    for part in text(name, default).replace(":", ",").split(","):
        code = part.strip().replace("_", "-").lower()
        if code in known or code.split("-")[0] in known:
            return code if code in known else code.split("-")[0]
    return default


def time_zone(name: str, default: str) -> str:
    """Read a time zone's name. Raises: ImproperlyConfigured."""
    zone = text(name, default)
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as exc:
        raise ImproperlyConfigured(f"{name} must be a zone such as Europe/Berlin, not {zone!r}") from exc
    return zone


def database(name: str, sqlite_path: Path) -> dict[str, object]:
    """Read a database URL as a Django DATABASES entry; SQLite at `sqlite_path` when absent.

    Raises: ImproperlyConfigured for any scheme but postgres, postgresql and sqlite.
    """
    url = text(name)
    if not url or url.startswith("sqlite:"):
        path = url.removeprefix("sqlite:").removeprefix("//") if url else ""
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": path or str(sqlite_path),
            "TEST": {"NAME": str(sqlite_path.with_name("test.sqlite3"))},  # threads share a file, not memory
            "OPTIONS": {
                "transaction_mode": "IMMEDIATE",
                "timeout": 20,
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON;",
            },
        }
    parts = urlsplit(url)
    if parts.scheme not in {"postgres", "postgresql"}:
        raise ImproperlyConfigured(f"{name} must start with postgres:// or sqlite:, not {parts.scheme}:")
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parts.hostname or "",
        "PORT": str(parts.port or ""),
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {"pool": {"min_size": 1, "max_size": 16, "timeout": 10}, **dict(parse_qsl(parts.query))},
    }


def email(name: str) -> dict[str, object]:
    """Read smtp(s)://user:password@host:port as EMAIL_* settings; the console when absent."""
    url = text(name)
    if not url:
        return {"EMAIL_BACKEND": "django.core.mail.backends.console.EmailBackend"}
    parts = urlsplit(url)
    if parts.scheme not in {"smtp", "smtps", "smtp+tls"}:
        raise ImproperlyConfigured(f"{name} must start with smtp://, smtp+tls:// or smtps://")
    return {
        "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "EMAIL_HOST": parts.hostname or "localhost",
        "EMAIL_PORT": parts.port or {"smtp": 25, "smtp+tls": 587, "smtps": 465}[parts.scheme],
        "EMAIL_HOST_USER": unquote(parts.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
        "EMAIL_USE_TLS": parts.scheme == "smtp+tls",
        "EMAIL_USE_SSL": parts.scheme == "smtps",
        "EMAIL_TIMEOUT": 10,
    }


def secret_key(name: str, path: Path) -> str:
    """Read the secret key; without one, make it once and keep it in a file only we can read."""
    if value := text(name):
        return value
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            from django.core.management.utils import get_random_secret_key

            file.write(get_random_secret_key())
    except FileExistsError:
        pass  # made at an earlier start
    return path.read_text(encoding="utf-8").strip()
