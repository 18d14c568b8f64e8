"""The socket's edges without a site: where a caller comes from, and engines that take long to load."""

import threading

import pytest
from pytest_django.fixtures import Settings

from chat.loading import load_unless_stopped
from chat.origins import address_of
from inference.engines.extractive import ExtractiveEngine
from inference.errors import ModelBroken


class SlowEngine(ExtractiveEngine):
    """Loads only when it is let; an engine of its own kind that shipped code has no reason to have."""

    def __init__(self) -> None:
        super().__init__()
        self.may_load = threading.Event()

    def load(self) -> None:
        """Wait."""
        self.may_load.wait(10)


class BrokenEngine(ExtractiveEngine):
    """Cannot be loaded."""

    def load(self) -> None:
        """Refuse."""
        raise ModelBroken("half a file")


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        ("203.0.113.9", "198.51.100.1", "203.0.113.9"),  # no proxy of ours: what it says does not count
        ("10.0.0.2", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.2", "198.51.100.1, 203.0.113.7, 10.0.0.3", "203.0.113.7"),
        ("10.0.0.2", "nonsense", "10.0.0.2"),
        ("10.0.0.2", "", "10.0.0.2"),
    ],
)
def test_address_is_the_last_hop_that_no_proxy_of_ours_vouches_for(
    peer: str, forwarded: str, expected: str, settings: Settings
) -> None:
    settings.TRUSTED_PROXIES = ["10.0.0.0/8"]

    scope = {"client": (peer, 5), "headers": [(b"x-forwarded-for", forwarded.encode())]}

    assert address_of(scope) == expected


def test_a_stop_ends_the_wait_for_an_engine_that_loads() -> None:
    engine = SlowEngine()

    load_unless_stopped(engine, lambda: True)

    assert not engine.may_load.is_set()
    engine.may_load.set()


def test_an_engine_that_cannot_be_loaded_says_why() -> None:
    with pytest.raises(ModelBroken):
        load_unless_stopped(BrokenEngine(), lambda: False)
