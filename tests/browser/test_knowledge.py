"""An administrator adds a document, and it is answered from a moment later."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.test_chat import ask, finished, replies
from tests.site import Site

pytestmark = pytest.mark.browser

LAMPS = """# Lamp manual

## Changing the bulb

The Aurora lamp takes a G9 bulb of at most 28 watts. Let the bulb cool for ten minutes before you touch it.
"""


def upload(page: Page, site: Site, path: Path) -> None:
    """Add a file to the handbook through the page."""
    page.goto(f"{site.url}/knowledge/?collection=handbook")
    page.locator("input[type=file]").first.set_input_files(path)
    submit = page.locator("form:has(input[type=file]) button[type=submit]")
    if submit.count() and submit.first.is_visible():
        submit.first.click()


def test_an_uploaded_document_is_answered_from_and_its_citation_opens_it(
    site: Site, as_user: Callable[..., Page], tmp_path: Path
) -> None:
    path = tmp_path / "lamp-manual.md"
    path.write_text(LAMPS, encoding="utf-8")
    page = as_user(site, "admin")
    upload(page, site, path)
    row = page.locator("tr", has_text=re.compile("lamp-manual|Lamp manual")).first
    expect(row).to_contain_text("Ready")

    page.goto(f"{site.url}/chat/support/")
    ask(page, "Which bulb does the Aurora lamp take?")

    finished(page)
    expect(replies(page).first).to_contain_text("G9 bulb")
    replies(page).first.locator("a.cite").first.click()
    href = page.locator("aside.evidence [data-part=open]").get_attribute("href")
    assert href is not None
    page.goto(site.url + href)
    expect(page.locator("main")).to_contain_text("28 watts")


def test_a_file_that_cannot_be_read_says_why(
    site: Site, as_user: Callable[..., Page], tmp_path: Path
) -> None:
    path = tmp_path / "picture.txt"
    path.write_bytes(bytes(range(256)) * 40)
    page = as_user(site, "admin")

    upload(page, site, path)

    expect(page.locator("main")).to_contain_text("picture.txt")
    expect(
        page.locator("main").get_by_text(re.compile("Failed|not added|not text", re.IGNORECASE)).first
    ).to_be_visible()


def test_a_customer_finds_no_knowledge_pages(site: Site, as_user: Callable[..., Page]) -> None:
    page = as_user(site, "customer")

    answer = page.request.get(f"{site.url}/knowledge/")

    assert answer.status in {403, 404}
    page.goto(site.url)
    expect(page.locator('nav.spine a[href="/knowledge/"]')).to_have_count(0)


def test_staff_read_a_transcript(
    site: Site, guest: Page, as_user: Callable[..., Page], open_context: Callable[..., BrowserContext]
) -> None:
    guest.goto(site.url)
    ask(guest, "What does fault code E3 of the coffee machine mean for my warranty?")
    finished(guest)

    page = as_user(site, "staff")
    page.goto(f"{site.url}/review/")
    page.get_by_text("What does fault code E3").first.click()

    expect(page.locator("main")).to_contain_text("What does fault code E3")
