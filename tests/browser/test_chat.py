"""The main job in a real browser: ask, read the answer with its evidence, stop, reload."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from tests.site import Site

pytestmark = pytest.mark.browser

QUESTION = "Within how many days of delivery can an appliance be returned?"


def ask(page: Page, text: str) -> None:
    """Type a question and send it by Enter."""
    page.locator("#composer").fill(text)
    page.locator("#composer").press("Enter")


def replies(page: Page) -> Locator:
    """Return the answers of the page that are drawn."""
    return page.locator("article.msg-answer[data-message]")


def finished(page: Page, count: int = 1) -> None:
    """Wait until so many answers are over."""
    expect(page.locator("article.msg-answer[data-status]:not([data-status=pending])")).to_have_count(count)


def test_a_guest_asks_and_gets_a_cited_answer(site: Site, guest: Page) -> None:
    guest.goto(site.url)
    ask(guest, QUESTION)

    finished(guest)
    reply = replies(guest).first
    expect(reply.locator("a.cite").first).to_be_visible()
    expect(guest).to_have_url(re.compile(r"/chat/support/[0-9a-f-]{36}/"))
    expect(reply).to_contain_text("30")


def test_a_citation_opens_the_words_it_stands_on(site: Site, guest: Page) -> None:
    guest.goto(site.url)
    ask(guest, QUESTION)
    finished(guest)

    replies(guest).first.locator("a.cite").first.click()

    evidence = guest.locator("aside.evidence")
    expect(evidence).to_be_visible()
    expect(evidence.locator("mark").first).to_be_visible()
    link = evidence.locator("[data-part=open]")
    with guest.expect_popup() if link.get_attribute("target") == "_blank" else guest.expect_navigation():
        link.click()


def test_an_answer_stays_after_a_reload(site: Site, guest: Page) -> None:
    guest.goto(site.url)
    ask(guest, QUESTION)
    finished(guest)
    before = replies(guest).first.locator("[data-part=prose]").inner_text()

    guest.reload()

    expect(replies(guest)).to_have_count(1)
    assert replies(guest).first.locator("[data-part=prose]").inner_text() == before


def test_a_question_nothing_answers_names_the_nearest_documents(site: Site, guest: Page) -> None:
    guest.goto(site.url)
    ask(guest, "Which general lost the battle of Waterloo in 1815?")

    finished(guest)
    expect(replies(guest).first.locator(".endings a.source").first).to_be_visible()
    expect(replies(guest).first.locator("a.cite")).to_have_count(0)


def test_sign_in_chat_and_sign_out(site: Site, as_user: Callable[..., Page]) -> None:
    page = as_user(site, "student")
    page.goto(f"{site.url}/chat/tutor/")
    ask(page, "What do plants need for photosynthesis?")

    finished(page)
    expect(replies(page).first.locator("a.cite").first).to_be_visible()


def test_stop_keeps_what_was_written(slow_site: Site, guest: Page) -> None:
    guest.goto(f"{slow_site.url}/chat/support/")
    ask(guest, QUESTION)
    expect(replies(guest).first.locator("[data-part=prose]")).to_have_text(re.compile(r"\w+ \w+ \w+"))

    guest.get_by_role("button", name="Stop").click()

    finished(guest)
    expect(replies(guest).first).to_have_attribute("data-status", "stopped")
    kept = replies(guest).first.locator("[data-part=prose]").inner_text()
    assert 0 < len(kept.split()) < 120
    guest.reload()
    assert replies(guest).first.locator("[data-part=prose]").inner_text().split() == kept.split()


def test_a_reload_in_mid_stream_shows_the_same_text_going_on(slow_site: Site, guest: Page) -> None:
    guest.goto(f"{slow_site.url}/chat/support/")
    ask(guest, QUESTION)
    prose = replies(guest).first.locator("[data-part=prose]")
    expect(prose).to_have_text(re.compile(r"(\w+\W+){5}"))
    expect(guest).to_have_url(re.compile(r"/chat/support/[0-9a-f-]{36}/"))
    before = prose.inner_text().split()

    guest.reload()

    finished(guest)
    after = prose.inner_text().split()
    assert len(after) > len(before)
    assert after[: len(before) - 1] == before[:-1]


def test_a_second_tab_shows_the_same_stream(
    slow_site: Site, guest: Page, watch: Callable[[Page], Page]
) -> None:
    guest.goto(f"{slow_site.url}/chat/support/")
    ask(guest, QUESTION)
    expect(guest).to_have_url(re.compile(r"/chat/support/[0-9a-f-]{36}/"))

    other = watch(guest.context.new_page())
    other.goto(guest.url)

    finished(guest)
    finished(other)
    first, second = (replies(tab).first.locator("[data-part=prose]").inner_text() for tab in (guest, other))
    assert first == second


def test_a_question_asked_in_one_tab_appears_in_the_other(
    site: Site, guest: Page, watch: Callable[[Page], Page]
) -> None:
    guest.goto(site.url)
    ask(guest, QUESTION)
    finished(guest)
    other = watch(guest.context.new_page())
    other.goto(guest.url)
    expect(replies(other)).to_have_count(1)
    other.wait_for_timeout(500)  # its socket is open and watches

    ask(guest, "And what does the parcel cost?")

    finished(other, 2)
    expect(other.locator("[data-role=user]")).to_have_count(2)


def test_a_strangers_conversation_is_as_missing_as_none(
    site: Site, guest: Page, open_context: Callable[..., BrowserContext]
) -> None:
    guest.goto(site.url)
    ask(guest, QUESTION)
    finished(guest)
    stranger = open_context().new_page()

    foreign = stranger.goto(guest.url)
    missing = stranger.goto(f"{site.url}/chat/support/00000000-0000-4000-8000-000000000000/")

    assert foreign is not None
    assert missing is not None
    assert (foreign.status, missing.status) == (404, 404)


def test_hebrew_reads_from_right_to_left(
    site: Site,
    as_user: Callable[..., Page],
    watch: Callable[[Page], Page],
    open_context: Callable[..., BrowserContext],
) -> None:
    page = watch(open_context(locale="he-IL").new_page())
    page.goto(site.url)
    expect(page.locator("html")).to_have_attribute("dir", "rtl")

    ask(page, "תוך כמה ימים אפשר להחזיר מוצר?")

    finished(page)
    reply = replies(page).first
    expect(reply.locator("a.cite").first).to_be_visible()
    assert re.search(r"[\u05d0-\u05ea]{3}", reply.locator("[data-part=prose]").inner_text())
    composer, send = page.locator("#composer").bounding_box(), page.locator("button.send").bounding_box()
    assert composer is not None
    assert send is not None
    assert send["x"] < composer["x"] + composer["width"] / 2


def test_the_phone_shows_the_answer_and_its_evidence_without_sideways_scrolling(
    site: Site, watch: Callable[[Page], Page], open_context: Callable[..., BrowserContext]
) -> None:
    page = watch(
        open_context(viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True).new_page()
    )
    page.goto(site.url)
    ask(page, QUESTION)
    finished(page)

    replies(page).first.locator("a.cite").first.click()

    expect(page.locator("aside.evidence")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
