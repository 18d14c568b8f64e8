"""Addresses and limits of model servers are checked at start-up."""

import pytest
from pytest_django.fixtures import Settings

from chatsite.checks import check_model_server_limits, check_model_servers
from tests.chatsite.test_checks import ids


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("", []),
        ("http://localhost:8000/v1", []),
        ("https://shop.openai.azure.com/openai/v1/", []),
        ("http://10.0.0.7:8000/v1", ["chatsite.W015"]),
        ("localhost:8000", ["chatsite.E013"]),
        ("ftp://localhost/v1", ["chatsite.E013"]),
        ("http:///v1", ["chatsite.E013"]),
        ("http://localhost:80000/v1", ["chatsite.E013"]),
        ("https://host/v1?api-key=secret", ["chatsite.E013"]),
        ("https://models.github.ai/inference", ["chatsite.E014"]),
        ("https://models.inference.ai.azure.com", ["chatsite.E014"]),
    ],
)
def test_address_of_a_server_is_checked(settings: Settings, url: str, expected: list[str]) -> None:
    settings.OPENAI_BASE_URL, settings.OPENAI_API_KEY = url, "key"

    assert ids(check_model_servers) == expected


def test_retired_service_is_named_with_what_replaces_it(settings: Settings) -> None:
    settings.OPENAI_BASE_URL = "https://models.github.ai/inference"

    [found] = check_model_servers(None)

    assert "GitHub Models" in found.msg
    assert "Foundry" in str(found.hint)


def test_no_finding_repeats_a_password(settings: Settings) -> None:
    settings.OLLAMA_URL, settings.OPENAI_BASE_URL = "http://me:secret@10.0.0.7", "http://me:secret@host/?x"

    assert "secret" not in str(check_model_servers(None))


@pytest.mark.parametrize(
    ("engine", "url"),
    [("openai", "http://127.0.0.1:11434"), ("ollama", "off")],
)
def test_chosen_engine_without_a_server_is_refused(settings: Settings, engine: str, url: str) -> None:
    settings.ENGINE, settings.OLLAMA_URL = engine, url

    assert ids(check_model_servers) == ["chatsite.E012"]


@pytest.mark.parametrize("name", ["OLLAMA_SLOTS", "OPENAI_CONTEXT_TOKENS", "FIRST_TOKEN_TIMEOUT_S"])
def test_limits_leave_room_for_an_answer(settings: Settings, name: str) -> None:
    assert ids(check_model_server_limits) == []

    setattr(settings, name, 0)

    assert ids(check_model_server_limits) == ["chatsite.E016"]


def test_form_of_images_that_no_server_takes_is_refused(settings: Settings) -> None:
    for form in ("parts", "inline", "off"):
        settings.OPENAI_IMAGES = form
        assert ids(check_model_servers) == []

    settings.OPENAI_IMAGES = "html"

    assert ids(check_model_servers) == ["chatsite.E017"]
