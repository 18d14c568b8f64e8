"""System checks: bad configuration fails at start-up, with a hint."""


def register_all() -> None:
    """Register the checks."""
