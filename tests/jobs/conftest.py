"""The test kinds, in place of the product's."""

from collections.abc import Iterator

import pytest
from pytest_django.fixtures import Settings

from jobs import worker
from tests.jobs import kinds


@pytest.fixture(autouse=True)
def _test_kinds(settings: Settings) -> Iterator[None]:
    settings.JOB_KINDS = kinds.KINDS
    settings.JOB_SLOTS = {"inference": 2, "background": 2}
    settings.JOB_LIMITS = {"long": 1}
    kinds.reset()
    worker._slots.cache_clear()
    yield
    worker._slots.cache_clear()
