"""System checks of the settings of sources: bad configuration fails at start-up, with a hint."""

import ipaddress
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error

from knowledge.sources.addresses import NotAnAddress, parse


def check_sources(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Folders must be folders and not the site's own, ports be ports, exceptions be names or networks."""
    return [*_check_folders(), *_check_ports(), *_check_exceptions()]


def _check_folders() -> list[CheckMessage]:
    found: list[CheckMessage] = []
    own = Path(settings.DATA_DIR).resolve()
    for text in settings.SOURCE_FOLDERS:
        folder = Path(text)
        if not folder.is_absolute() or not folder.is_dir():
            hint = "Name existing folders from the root, as /srv/manuals, separated by commas."
            found.append(Error(f"SOURCE_FOLDERS: {text!r} is no folder.", hint, id="chatsite.E025"))
        elif own.is_relative_to(folder.resolve()) or folder.resolve().is_relative_to(own):
            hint = "Name a folder that neither holds DATA_DIR nor lies in it: secrets and chats are there."
            found.append(Error(f"SOURCE_FOLDERS: {text} reaches DATA_DIR.", hint, id="chatsite.E025"))
    return found


def _check_ports() -> list[CheckMessage]:
    hint = "Write numbers from 1 to 65535, separated by commas."
    return [
        Error(f"SOURCE_PORTS: {port!r} is no port.", hint, id="chatsite.E026")
        for port in settings.SOURCE_PORTS
        if not (port.isascii() and port.isdecimal() and 0 < int(port) < 65536)
    ]


def _check_exceptions() -> list[CheckMessage]:
    found: list[CheckMessage] = []
    for entry in settings.SOURCE_ALLOW_PRIVATE:
        try:
            is_all = ipaddress.ip_network(entry.strip("[]"), strict=False).prefixlen == 0
        except ValueError:
            is_all = False
            try:
                parse(f"http://{entry}/")
            except NotAnAddress:
                hint = "Write host names, addresses or networks, as wiki.intra,10.1.0.0/16."
                found.append(Error(f"SOURCE_ALLOW_PRIVATE: {entry!r} is none.", hint, id="chatsite.E027"))
        if is_all:
            hint = "Name the networks that hold what is to be read."
            found.append(Error(f"SOURCE_ALLOW_PRIVATE: {entry} opens all.", hint, id="chatsite.E027"))
    return found
