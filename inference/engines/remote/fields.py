"""Reading JSON that others wrote: whatever is missing or of another type counts as absent. Pure."""

import json
from collections.abc import Mapping


def parse(text: str) -> object:
    """Parse JSON. Raises: ValueError, also for what is nested too deeply."""
    try:
        return json.loads(text)
    except RecursionError as exc:
        raise ValueError("nested too deeply") from exc


def at(value: object, *path: str) -> object:
    """Follow keys into nested objects; None where one is missing."""
    for key in path:
        if not isinstance(value, Mapping):
            return None
        value = value.get(key)
    return value


def text_at(value: object, *path: str) -> str:
    """Read a string, "" where there is none."""
    found = at(value, *path)
    return found if isinstance(found, str) else ""


def count_at(value: object, *path: str) -> int | None:
    """Read a whole number from 0, None where there is none."""
    found = at(value, *path)
    if isinstance(found, int) and not isinstance(found, bool) and found >= 0:
        return found
    return None


def items_at(value: object, *path: str) -> list[object]:
    """Read a list, empty where there is none."""
    found = at(value, *path)
    return found if isinstance(found, list) else []
