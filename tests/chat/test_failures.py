"""Every failure has a sentence for the reader, the same as the engine's own, ready to be translated."""

from collections.abc import Iterator

import pytest
from django.utils import translation

from chat import failures
from inference.errors import EngineError


def kinds(kind: type[EngineError] = EngineError) -> Iterator[type[EngineError]]:
    """Walk the tree of engine errors."""
    yield kind
    for child in kind.__subclasses__():
        yield from kinds(child)


@pytest.mark.parametrize("kind", list(kinds()), ids=lambda kind: kind.code)
def test_an_engine_error_is_told_in_its_own_words(kind: type[EngineError]) -> None:
    with translation.override("en"):
        assert failures.sentence(kind.code) == kind.user_message

    assert failures.is_retryable(kind.code) == kind.retryable


@pytest.mark.parametrize("language", ["he", "ar"])
def test_every_sentence_is_translated(language: str) -> None:
    with translation.override("en"):
        english = {code: failures.sentence(code) for code in failures.SENTENCES}

    with translation.override(language):
        same = [code for code, sentence in english.items() if failures.sentence(code) == sentence]

    assert same == []


def test_an_unknown_code_gets_the_general_sentence() -> None:
    assert failures.sentence("no_such_code") == failures.sentence("internal")
