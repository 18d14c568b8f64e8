"""Settings of sources that cannot be right are found at start-up."""

from pathlib import Path

import pytest
from django.core.checks import run_checks
from pytest_django.fixtures import Settings

from knowledge.sources.checks import check_sources


def test_settings_as_they_come_are_right() -> None:
    assert check_sources(None) == []


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("SOURCE_FOLDERS", "manuals", "chatsite.E025"),
        ("SOURCE_FOLDERS", "/no/such/folder", "chatsite.E025"),
        ("SOURCE_FOLDERS", "/", "chatsite.E025"),
        ("SOURCE_PORTS", "http", "chatsite.E026"),
        ("SOURCE_PORTS", "70000", "chatsite.E026"),
        ("SOURCE_ALLOW_PRIVATE", "http://wiki.intra/", "chatsite.E027"),
        ("SOURCE_ALLOW_PRIVATE", "0.0.0.0/0", "chatsite.E027"),
    ],
)
def test_setting_that_cannot_be_right_is_named(settings: Settings, name: str, value: str, code: str) -> None:
    setattr(settings, name, [value])

    found = [message.id for message in run_checks(tags=["chatsite"])]

    assert code in found


def test_folder_inside_the_sites_own_data_is_refused(settings: Settings, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path
    (tmp_path / "files").mkdir()
    settings.SOURCE_FOLDERS = [str(tmp_path / "files")]

    assert [message.id for message in check_sources(None)] == ["chatsite.E025"]


def test_names_networks_and_folders_are_right(settings: Settings, tmp_path: Path) -> None:
    settings.SOURCE_FOLDERS = [str(tmp_path)]
    settings.SOURCE_PORTS = ["8080"]
    settings.SOURCE_ALLOW_PRIVATE = ["wiki.intra", "10.1.0.0/16", "192.168.7.7", "[fd12::1]"]

    assert check_sources(None) == []
