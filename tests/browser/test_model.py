"""A language model writes: the tiny Phi-3 of the tests, through the real runtime, into the browser."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.test_chat import ask, finished, replies
from tests.environment import ROOT
from tests.site import Site

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def model_site(start_site: Callable[..., Site]) -> Site:
    """A site with a model installed."""
    return start_site(ENGINE="onnx", MODEL_PATH=str(ROOT / "tests" / "fixtures" / "tiny-phi3"))


def test_a_model_answers_with_citations_and_without_the_notice(model_site: Site, guest: Page) -> None:
    guest.goto(f"{model_site.url}/chat/support/")
    ask(guest, "What does fault code E3 mean?")

    finished(guest)
    reply = replies(guest).first
    expect(reply).to_have_attribute("data-engine", "onnx")
    expect(reply.locator("a.cite").first).to_be_visible()
    expect(reply.locator("p.note")).to_have_count(0)


def test_the_second_question_of_a_chat_is_answered_too(model_site: Site, guest: Page) -> None:
    guest.goto(f"{model_site.url}/chat/support/")
    ask(guest, "What does fault code E3 mean?")
    finished(guest)

    ask(guest, "What is photosynthesis?")

    finished(guest, 2)
