"""Whether this process is warming up, serving or draining; read by /readyz and the pages."""

import threading

_warm = threading.Event()
_draining = threading.Event()


def is_warm() -> bool:
    """Say whether the heavy parts are loaded."""
    return _warm.is_set()


def set_warm() -> None:
    """Note that the heavy parts are loaded."""
    _warm.set()


def is_draining() -> bool:
    """Say whether the process is about to end."""
    return _draining.is_set()


def set_draining() -> None:
    """Note that the process is about to end."""
    _draining.set()
