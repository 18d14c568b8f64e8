"""docker-compose.yml agrees with the settings; what its commands do is in test_scaled_out.py."""

import shlex
import subprocess
import sys
from collections.abc import Callable

from django.conf import settings as site_settings
from django.test import Client
from pytest_django.fixtures import Settings

from tests.compose import WORKERS, services
from tests.environment import ROOT
from tests.site import Site

OURS = ("prepare", "web", *WORKERS)


def test_every_queue_has_a_worker() -> None:
    served = set()
    for name in WORKERS:
        words = shlex.split(services()[name]["command"])
        served.update(words[words.index("-Q") + 1].split(","))

    assert served == set(site_settings.JOB_SLOTS)
    assert {kind[0] for kind in site_settings.JOB_KINDS.values()} <= served


def test_every_process_of_ours_gets_all_three_servers() -> None:
    for name in OURS:
        assert {"DATABASE_URL", "REDIS_URL", "CHROMA_URL", "DATA_DIR"} <= set(services()[name]["environment"])


def test_only_the_site_is_published_and_only_on_this_machine() -> None:
    published = {name: service["ports"] for name, service in services().items() if service.get("ports")}

    assert published == {"web": ["127.0.0.1:8000:8000"]}


def test_redis_keeps_waiting_work_and_asks_for_a_password() -> None:
    command = services()["redis"]["command"]

    assert "--maxmemory-policy noeviction" in command
    assert "--appendonly yes" in command
    assert "--requirepass" in command


def test_workers_have_time_to_finish_a_reply() -> None:
    for name in WORKERS:
        grace_s = int(services()[name]["stop_grace_period"].removesuffix("s"))
        assert grace_s > site_settings.CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT


def test_image_runs_as_an_ordinary_user_and_is_probed() -> None:
    lines = (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines()

    assert "USER chat" in lines
    assert any(line.startswith("HEALTHCHECK") for line in lines)
    assert all((ROOT / line.split()[-2]).exists() for line in lines if line.startswith("COPY --chown"))


def test_probe_is_answered_behind_a_proxy_with_tls(client: Client, settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["chat.example.org"]
    settings.SECURE_SSL_REDIRECT = True

    assert client.get("/healthz", headers={"Host": "chat.example.org"}).status_code == 200
    assert client.get("/chat/support/", headers={"Host": "chat.example.org"}).status_code == 301


def test_probe_names_a_host_the_site_accepts(start_site: Callable[..., Site]) -> None:
    site = start_site(demo=False, ALLOWED_HOSTS="chat.example.org")

    done = subprocess.run([sys.executable, "scripts/probe.py"], cwd=ROOT, env=site.environment)

    assert done.returncode == 0
