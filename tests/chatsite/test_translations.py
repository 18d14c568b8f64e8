"""The interface speaks every language of the site, wholly."""

import ast
import gettext
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

ROOT = Path(settings.BASE_DIR)
LANGUAGES = [code for code, _name in settings.LANGUAGES if code != "en"]
SOURCES = ("accounts", "chat", "chatsite", "inference", "jobs", "knowledge", "templates")
FIELD = re.compile(r'(msgctxt|msgid_plural|msgid|msgstr(?:\[(\d)\])?) (".*")$')


def entries(path: Path) -> list[dict[str, str]]:
    """Read a .po file: one dict of fields for each message, the header left out."""
    found = []
    for block in path.read_text(encoding="utf-8").split("\n\n"):
        fields: dict[str, str] = {"flags": ""}
        name = ""
        for line in block.splitlines():
            if line.startswith("#,"):
                fields["flags"] += line
            elif match := FIELD.match(line):
                name = match[1]
                fields[name] = ast.literal_eval(match[3])
            elif line.startswith('"') and name:
                fields[name] += ast.literal_eval(line)
        if fields.get("msgid"):
            found.append(fields)
    return found


def catalogue(language: str) -> Path:
    return ROOT / "locale" / language / "LC_MESSAGES" / "django.po"


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_message_is_translated_and_none_is_a_guess(language: str) -> None:
    messages = entries(catalogue(language))

    empty = [m["msgid"] for m in messages if not all(m[name] for name in m if name.startswith("msgstr"))]
    fuzzy = [m["msgid"] for m in messages if "fuzzy" in m["flags"]]
    assert len(messages) > 100
    assert empty == []
    assert fuzzy == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_compiled_catalogue_says_what_the_written_one_says(language: str) -> None:
    path = catalogue(language)
    with path.with_suffix(".mo").open("rb") as file:
        compiled = gettext.GNUTranslations(file)

    for message in entries(path):
        if "msgid_plural" not in message:
            said = (
                compiled.pgettext(message["msgctxt"], message["msgid"])
                if "msgctxt" in message
                else compiled.gettext(message["msgid"])
            )
            assert said == message["msgstr"]
            continue
        forms = {compiled.ngettext(message["msgid"], message["msgid_plural"], n) for n in range(200)}
        assert forms == {text for name, text in message.items() if name.startswith("msgstr[")}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_translation_keeps_every_placeholder_of_its_message(language: str) -> None:
    names = re.compile(r"%\((\w+)\)|(?<!\{)\{(\w+)\}(?!\})")

    for message in entries(catalogue(language)):
        known = set(names.findall(message["msgid"] + message.get("msgid_plural", "")))
        for name, text in message.items():
            if name == "msgstr":
                assert set(names.findall(text)) == known, message["msgid"]
            elif name.startswith("msgstr["):
                assert set(names.findall(text)) <= known, message["msgid"]


@pytest.mark.skipif(shutil.which("xgettext") is None, reason="gettext's xgettext is not installed")
def test_no_message_of_the_source_is_missing_from_the_catalogues(tmp_path: Path) -> None:
    for name in SOURCES:
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__", "demo"))
    (tmp_path / "locale").mkdir()
    environment = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}

    subprocess.run(
        [sys.executable, "-m", "django", "makemessages", "-v0", "-l", "he"],
        cwd=tmp_path,
        env=environment,
        check=True,
        capture_output=True,
    )

    wanted = {message["msgid"] for message in entries(tmp_path / "locale/he/LC_MESSAGES/django.po")}
    for language in LANGUAGES:
        missing = wanted - {message["msgid"] for message in entries(catalogue(language))}
        assert missing == set(), f"run makemessages and translate into {language}"
