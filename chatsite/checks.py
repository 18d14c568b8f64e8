"""System checks: bad configuration fails at start-up, with a hint. Nothing here opens a connection.

What only the running services can tell (Redis' eviction policy) is `check_services`, called when a
worker or the site starts.
"""

import ipaddress
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.core.exceptions import ImproperlyConfigured

Apps = Sequence[AppConfig] | None
MIN_SECRET_KEY_CHARS = 50
MAX_SANE_UPLOAD_MB = 2048
MAX_SANE_IMAGES = 10  # as many as the protocol carries
MAX_SANE_IMAGE_MB = 100
ONNX_RUNTIMES = {"auto", "batching", "engine", "generator"}
MIN_MODEL_CONTEXT = 1024  # tokens; below, passages and an answer find no room
RETIRED_HOSTS = {
    "models.github.ai": "GitHub Models was shut down on 2026-07-30.",
    "models.inference.ai.azure.com": "GitHub Models was shut down on 2026-07-30.",
}
IMAGE_FORMS = {"parts", "inline", "off"}
OCR_MODES = {"auto", "off"}
LOG_LEVELS = {"DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"}


def register_all() -> None:
    """Register the checks."""
    for check in (check_data_dir, check_scaled_out, check_redis, check_engine, check_limits, check_site):
        register(check, "chatsite")
    from knowledge.sources.checks import check_sources

    for check in (check_model_servers, check_model_server_limits, check_sources):
        register(check, "chatsite")
    for check in (check_debug, check_hosts, check_proxies, check_secret_key):
        register(check, Tags.security)


def check_data_dir(app_configs: Apps, **kwargs: Any) -> list[CheckMessage]:
    """DATA_DIR must be a directory we may write to."""
    path = Path(settings.DATA_DIR)
    if path.is_dir() and os.access(path, os.W_OK | os.X_OK):
        return []
    hint = f"Make it a directory of the user that runs the site: chown {os.geteuid()} {path}"
    return [Error(f"DATA_DIR {path} is not a directory that can be written to.", hint, id="chatsite.E001")]


def check_scaled_out(app_configs: Apps, **kwargs: Any) -> list[CheckMessage]:
    """Several processes need all three servers; one process needs none."""
    servers = {
        "DATABASE_URL": settings.DATABASE_URL.startswith("postgres"),
        "REDIS_URL": bool(settings.REDIS_URL),
        "CHROMA_URL": bool(settings.CHROMA_URL),
    }
    missing = [name for name, is_set in servers.items() if not is_set]
    # PostgreSQL alone is fine: one process with a bigger database
    if not missing or missing == ["REDIS_URL", "CHROMA_URL"] or len(missing) == len(servers):
        return []
    given = " and ".join(name for name, is_set in servers.items() if is_set)
    hint = (
        f"Set {' and '.join(missing)} as well (DATABASE_URL to PostgreSQL: SQLite cannot serve several "
        f"processes), or remove {given} to run everything in one process."
    )
    return [Error(f"{given} is set without {' and '.join(missing)}.", hint, id="chatsite.E002")]


def check_redis(app_configs: Apps, **kwargs: Any) -> list[CheckMessage]:
    """The Redis URL must be one, and Redis on another machine must ask for a password."""
    if not settings.REDIS_URL:
        return []
    parts = urlsplit(settings.REDIS_URL)
    if parts.scheme not in {"redis", "rediss"}:
        hint = "Write it as redis://:password@host:6379/0, or rediss:// for TLS."
        return [Error(f"REDIS_URL starts with {parts.scheme}:, not redis:.", hint, id="chatsite.E003")]
    if parts.password or _is_loopback(parts.hostname or "") or settings.REDIS_WITHOUT_PASSWORD:
        return []
    hint = "Put the password into the URL; on a private network set REDIS_WITHOUT_PASSWORD=on."
    return [Error(f"REDIS_URL reaches {parts.hostname} without a password.", hint, id="chatsite.E004")]


def check_engine(app_configs: Apps, **kwargs: Any) -> list[CheckMessage]:
    """The engine must be one we have, and a model path must lead to a model."""
    found: list[CheckMessage] = []
    known = engine_names()
    if settings.ENGINE not in known:
        hint = f"Choose one of: {', '.join(sorted(known))}."
        found.append(Error(f"ENGINE {settings.ENGINE!r} is unknown.", hint, id="chatsite.E005"))
    path = Path(settings.MODEL_PATH) if settings.MODEL_PATH else None
    if path and not (path / "genai_config.json").is_file():
        hint = "Name the directory that holds genai_config.json and the .onnx files, or remove MODEL_PATH."
        found.append(Error(f"MODEL_PATH {path} holds no ONNX model.", hint, id="chatsite.E006"))
    elif settings.ENGINE == "onnx" and not path and not (Path(settings.DATA_DIR) / "models").is_dir():
        hint = "Set MODEL_PATH to a directory with an ONNX model."
        found.append(Error("ENGINE=onnx has no model.", hint, id="chatsite.E007"))
    if settings.ONNX_RUNTIME not in ONNX_RUNTIMES:
        hint = f"Choose one of: {', '.join(sorted(ONNX_RUNTIMES))}."
        found.append(Error(f"ONNX_RUNTIME={settings.ONNX_RUNTIME!r} is unknown.", hint, id="chatsite.E019"))
    return found


def check_model_servers(app_configs: Apps, **kwargs: Any) -> list[CheckMessage]:
    """Addresses of model servers must be addresses, and of a service that still exists."""
    found: list[CheckMessage] = []
    if settings.ENGINE == "openai" and not settings.OPENAI_BASE_URL:
        hint = "Set OPENAI_BASE_URL to the address that ends where /chat/completions begins, most often /v1."
        found.append(Error("ENGINE=openai has no server.", hint, id="chatsite.E012"))
    if settings.ENGINE == "ollama" and settings.OLLAMA_URL == "off":
        hint = "Set OLLAMA_URL to the server's address, as http://127.0.0.1:11434."
        found.append(Error("ENGINE=ollama has no server: OLLAMA_URL is off.", hint, id="chatsite.E012"))
    for name in ("OLLAMA_URL", "OPENAI_BASE_URL"):
        url = getattr(settings, name)
        if url and url != "off":
            found += _check_model_server(name, url)
    if settings.OPENAI_IMAGES not in IMAGE_FORMS:
        hint = "Choose one of: " + ", ".join(sorted(IMAGE_FORMS))
        found.append(Error(f"OPENAI_IMAGES={settings.OPENAI_IMAGES!r} is no form.", hint, id="chatsite.E017"))
    return found


def _check_model_server(name: str, url: str) -> list[CheckMessage]:
    try:
        parts = urlsplit(url)
        is_port = parts.port is None or parts.port > 0
    except ValueError:
        parts, is_port = urlsplit(""), False
    host = (parts.hostname or "").lower()
    if not is_port or parts.scheme not in {"http", "https"} or not host or parts.query or parts.fragment:
        hint = "Write it as http://host:port or https://host/v1, without ? and #."
        return [Error(f"{name} is no address of a server.", hint, id="chatsite.E013")]
    if host in RETIRED_HOSTS:
        hint = (
            "Use Microsoft Foundry: https://<resource>.openai.azure.com/openai/v1/ with the name of your "
            "deployment as OPENAI_MODEL, or another server."
        )
        return [Error(f"{name}: {RETIRED_HOSTS[host]}", hint, id="chatsite.E014")]
    has_secret = bool(parts.password or (name == "OPENAI_BASE_URL" and settings.OPENAI_API_KEY))
    if parts.scheme == "http" and has_secret and not _is_loopback(host):
        hint = "Use https, or a network that nobody else listens on."
        return [Warning(f"{name} sends its key unencrypted.", hint, id="chatsite.W015")]
    return []


def check_model_server_limits(app_configs: Apps, **kwargs: Any) -> list[CheckMessage]:
    """A model server must be given work, room and time."""
    found: list[CheckMessage] = []
    least = {
        "OLLAMA_SLOTS": 1,
        "OPENAI_SLOTS": 1,
        "OLLAMA_CONTEXT_TOKENS": 1024,
        "OPENAI_CONTEXT_TOKENS": 1024,
        "FIRST_TOKEN_TIMEOUT_S": 1,
    }
    for name, minimum in least.items():
        if getattr(settings, name) < minimum:
            hint = f"Set {name} to {minimum} or more."
            found.append(Error(f"{name} is {getattr(settings, name)}.", hint, id="chatsite.E016"))
    return found


def engine_names() -> set[str]:
    """Name the engines, and `auto`."""
    from inference.conf import AUTO, KINDS

    return {AUTO, *KINDS}


def check_limits(app_configs: Apps, **kwargs: Any) -> list[CheckMessage]:
    """Limits must leave room for work."""
    found: list[CheckMessage] = []
    if not 1 <= settings.MAX_UPLOAD_MB <= MAX_SANE_UPLOAD_MB:
        hint = f"Choose a number from 1 to {MAX_SANE_UPLOAD_MB}; 50 is the default."
        found.append(Error(f"MAX_UPLOAD_MB is {settings.MAX_UPLOAD_MB}.", hint, id="chatsite.E008"))
    for name in ("MAX_REPLIES_PER_USER", "MAX_QUEUED_REPLIES"):
        if getattr(settings, name) < 1:
            hint = f"Set {name} to 1 or more: nobody could ask anything."
            found.append(Error(f"{name} is {getattr(settings, name)}.", hint, id="chatsite.E009"))
    for name, most in (("MAX_IMAGES", MAX_SANE_IMAGES), ("MAX_IMAGE_MB", MAX_SANE_IMAGE_MB)):
        if not 1 <= getattr(settings, name) <= most:
            hint = f"Choose a number from 1 to {most}."
            found.append(Error(f"{name} is {getattr(settings, name)}.", hint, id="chatsite.E009"))
    if settings.MODEL_CONTEXT and settings.MODEL_CONTEXT < MIN_MODEL_CONTEXT:
        hint = f"Set MODEL_CONTEXT to {MIN_MODEL_CONTEXT} or more, or to 0 for what is fast."
        found.append(Error(f"MODEL_CONTEXT is {settings.MODEL_CONTEXT}.", hint, id="chatsite.E018"))
    return found


def check_site(app_configs: Apps, **kwargs: Any) -> list[CheckMessage]:
    """Log level, port and the choice of OCR must exist; Django itself refuses an unknown time zone."""
    found: list[CheckMessage] = []
    if settings.OCR not in OCR_MODES:
        hint = f"Choose one of: {', '.join(sorted(OCR_MODES))}."
        found.append(Error(f"OCR {settings.OCR!r} is unknown.", hint, id="chatsite.E028"))
    if settings.LOG_LEVEL not in LOG_LEVELS:
        hint = f"Choose one of: {', '.join(sorted(LOG_LEVELS))}."
        found.append(Error(f"LOG_LEVEL {settings.LOG_LEVEL!r} is unknown.", hint, id="chatsite.E010"))
    if not 0 <= settings.PORT <= 65535:
        hint = "Choose a number from 1 to 65535."
        found.append(Error(f"PORT is {settings.PORT}.", hint, id="chatsite.E011"))
    return found


def check_debug(app_configs: Apps, **kwargs: Any) -> list[CheckMessage]:
    """Error pages with internals are for this machine only."""
    if not settings.DEBUG or _is_loopback(settings.HOST):
        return []
    hint = "Remove DEBUG, or listen on 127.0.0.1 only."
    return [Error(f"DEBUG is on while HOST {settings.HOST} is reachable.", hint, id="chatsite.E020")]


def check_hosts(app_configs: Apps, **kwargs: Any) -> list[CheckMessage]:
    """A wildcard lets anybody choose the host name in links of our e-mails."""
    if "*" not in settings.ALLOWED_HOSTS:
        return []
    hint = "List the names people type, separated by commas."
    return [Warning("ALLOWED_HOSTS accepts every host name.", hint, id="chatsite.W021")]


def check_proxies(app_configs: Apps, **kwargs: Any) -> list[CheckMessage]:
    """Whose forwarded addresses are believed must be written as addresses."""
    found: list[CheckMessage] = []
    for proxy in settings.TRUSTED_PROXIES:
        try:
            network = ipaddress.ip_network(proxy, strict=False)
        except ValueError:
            hint = (
                "Write IP addresses or networks as 10.0.0.0/8, separated by commas; names are not looked up."
            )
            found.append(Error(f"TRUSTED_PROXIES: {proxy!r} is no address.", hint, id="chatsite.E022"))
            continue
        if network.prefixlen == 0:
            hint = "Name the proxy's own address."
            found.append(Error(f"TRUSTED_PROXIES: {proxy} trusts everybody.", hint, id="chatsite.E023"))
    return found


def check_secret_key(app_configs: Apps, **kwargs: Any) -> list[CheckMessage]:
    """A short key can be guessed, and with it every session."""
    if len(settings.SECRET_KEY) >= MIN_SECRET_KEY_CHARS:
        return []
    hint = f"Use {MIN_SECRET_KEY_CHARS} random characters or more, or remove it and one is made."
    return [Error("SECRET_KEY is too short.", hint, id="chatsite.E024")]


def check_services() -> None:
    """Ask Redis whether it may throw our queue away. Raises: ImproperlyConfigured.

    A server that is away or hides its configuration is not our finding here: the readiness page says so.
    """
    if not settings.REDIS_URL:
        return
    import redis

    try:
        with redis.Redis.from_url(settings.REDIS_URL, socket_timeout=3, socket_connect_timeout=3) as server:
            policy = server.config_get("maxmemory-policy").get("maxmemory-policy", "noeviction")
    except redis.RedisError:
        return
    if policy != "noeviction":
        raise ImproperlyConfigured(
            f"Redis may evict keys ({policy}), and with them waiting work. "
            "Set `maxmemory-policy noeviction` in its configuration."
        )


def _is_loopback(host: str) -> bool:
    if host in {"localhost", ""}:
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
