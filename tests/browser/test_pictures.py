"""Pictures that stand in their questions: after a reload, in another tab, for a stranger, on every screen."""

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.pictures import QUESTION, cards, choose, give, is_loaded, picture, shown, uploaded
from tests.browser.test_accessibility import LOOKS, serious
from tests.browser.test_chat import ask, finished
from tests.inference.servers.openai_like import openai_server, refuses
from tests.site import Site

pytestmark = pytest.mark.browser


def test_a_reload_shows_the_picture_where_it_stood(chat: Page) -> None:
    choose(chat, picture())
    uploaded(chat)
    ask(chat, QUESTION)
    finished(chat)
    before = shown(chat).bounding_box()

    chat.reload()

    assert is_loaded(shown(chat))
    after = shown(chat).bounding_box()
    assert before is not None
    assert after is not None
    assert (round(after["width"]), round(after["height"])) == (
        round(before["width"]),
        round(before["height"]),
    )


def test_a_picture_opens_in_full_size_and_escape_leads_back(chat: Page) -> None:
    choose(chat, picture("front.png"), picture("back.png"))
    uploaded(chat, 2)
    ask(chat, QUESTION)
    finished(chat)
    first = chat.locator("[data-role=user] .picture").first

    first.press("Enter")
    viewer = chat.get_by_role("dialog")
    expect(viewer.locator("img")).to_have_attribute("alt", "front.png")
    assert is_loaded(viewer.locator("img"))
    chat.keyboard.press("ArrowRight")
    expect(viewer.locator("img")).to_have_attribute("alt", "back.png")
    chat.keyboard.press("Escape")

    expect(viewer).to_have_count(0)
    expect(first).to_be_focused()


def test_the_viewers_keys_work_on_after_its_last_picture(chat: Page) -> None:
    choose(chat, picture("front.png"), picture("back.png"))
    uploaded(chat, 2)
    ask(chat, QUESTION)
    finished(chat)
    shown(chat).first.click()
    viewer = chat.get_by_role("dialog")

    viewer.get_by_role("button", name="Next picture").press("Enter")

    expect(viewer.get_by_role("button", name="Previous picture")).to_be_focused()
    chat.keyboard.press("ArrowLeft")
    expect(viewer.locator("img")).to_have_attribute("alt", "front.png")


def test_a_second_tab_shows_the_picture_too(chat: Page, watch: Callable[[Page], Page]) -> None:
    ask(chat, "When may I return a kettle?")
    finished(chat)
    other = watch(chat.context.new_page())
    other.goto(chat.url)
    other.wait_for_timeout(500)  # its socket is open and watches
    choose(chat, picture())
    uploaded(chat)

    ask(chat, QUESTION)

    expect(shown(other)).to_have_attribute("alt", "label.png")
    assert is_loaded(shown(other))


def test_a_strangers_picture_is_as_missing_as_none(
    chat: Page, seeing_site: Site, open_context: Callable[..., BrowserContext]
) -> None:
    choose(chat, picture())
    uploaded(chat)
    ask(chat, QUESTION)
    finished(chat)
    address = f"{seeing_site.url}{shown(chat).get_attribute('src')}"
    stranger = open_context().new_page()
    stranger.goto(f"{seeing_site.url}/chat/support/")

    own, foreign = chat.request.get(address), stranger.request.get(address)

    assert (own.status, foreign.status) == (200, 404)


@pytest.mark.parametrize("look", list(LOOKS))
def test_pictures_are_accessible_and_fit_the_screen(
    seeing_site: Site, look: str, open_context: Callable[..., BrowserContext], watch: Callable[[Page], Page]
) -> None:
    page = watch(open_context(**LOOKS[look]).new_page())
    page.goto(f"{seeing_site.url}/chat/support/")
    page.locator("#composer").wait_for()
    give(page, "#main", "drop", picture("label.png"), picture("a-very-long-name-of-a-picture" * 3 + ".png"))
    uploaded(page, 2)
    give(page, "#main", "drop", {"name": "a.pdf", "mimeType": "application/pdf", "buffer": b"%PDF"})
    attached = serious(page)

    ask(page, QUESTION)
    finished(page)
    sent = serious(page)
    page.locator(".picture").first.click()
    page.get_by_role("dialog").locator("img").wait_for()

    assert (attached, sent, serious(page)) == ([], [], [])
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def test_the_narrowest_phone_in_hebrew_has_room_for_pictures(
    seeing_site: Site, open_context: Callable[..., BrowserContext], watch: Callable[[Page], Page]
) -> None:
    narrow = {"viewport": {"width": 320, "height": 640}, "is_mobile": True, "has_touch": True}
    page = watch(open_context(locale="he-IL", **narrow).new_page())
    page.goto(f"{seeing_site.url}/chat/support/")
    give(page, "#main", "drop", picture("wide.png", (1200, 200)), picture("תווית המוצר.png", (200, 900)))
    uploaded(page, 2)
    card, removal = (
        cards(page).first.bounding_box(),
        cards(page).first.locator("[data-part=remove]").bounding_box(),
    )
    ask(page, "מה כתוב על התווית?")
    finished(page)

    assert card is not None
    assert removal is not None
    assert removal["x"] < card["x"] + card["width"] / 2
    expect(shown(page)).to_have_count(2)
    assert re.search(r"[\u05d0-\u05ea]{3}", page.locator("[data-role=user]").inner_text())
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


@pytest.fixture
def refusing_site(start_site: Callable[..., Site]) -> Iterator[Site]:
    """A site whose server turns out to have a model that reads text only."""
    refusal = {"error": {"message": "this-model is not a multimodal model", "code": 400}}
    with openai_server(refuses(400, refusal)) as server:
        yield start_site(
            ENGINE="openai", OPENAI_BASE_URL=f"{server.url}/v1", OPENAI_MODEL="local-model", RATE_LIMITS="off"
        )


def test_a_question_that_the_model_cannot_see_keeps_its_picture(refusing_site: Site, guest: Page) -> None:
    guest.goto(f"{refusing_site.url}/chat/support/")
    choose(guest, picture())
    uploaded(guest)
    ask(guest, QUESTION)
    finished(guest)

    expect(guest.locator("article.msg-answer")).to_have_attribute("data-status", "failed")
    expect(guest.locator(".endings")).to_contain_text("reads text only")
    guest.reload()

    expect(guest.locator(".endings")).to_contain_text("reads text only")
    assert is_loaded(shown(guest))
