"""axe-core on every page, in both themes and directions: no serious finding."""

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, Page

from tests.browser.test_chat import QUESTION, ask, finished
from tests.site import Site

pytestmark = pytest.mark.browser

RULES = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"]}}
LOOKS: dict[str, dict[str, object]] = {
    "light": {"locale": "en-GB", "color_scheme": "light"},
    "dark-hebrew-phone": {
        "locale": "he-IL",
        "color_scheme": "dark",
        "viewport": {"width": 390, "height": 844},
        "is_mobile": True,
        "has_touch": True,
    },
}
STAFF_PAGES = (
    "/knowledge/",
    "/knowledge/?collection=handbook",
    "/knowledge/collections/new/",
    "/knowledge/collections/handbook/delete/",
    "/knowledge/handbook/release/",
    "/knowledge/handbook/release/publish/",
    "/knowledge/handbook/golden/",
    "/knowledge/handbook/golden/new/",
    "/knowledge/handbook/languages/",
    "/knowledge/handbook/test/",
    "/knowledge/handbook/test/?q=return",
    "/knowledge/handbook/answering/",
    "/knowledge/handbook/answers/",
    "/knowledge/handbook/answers/new/",
    "/knowledge/handbook/sources/",
    "/knowledge/test/",
    "/assistants/",
    "/assistants/support/",
    "/review/",
    "/models/",
    "/accounts/settings/",
    "/accounts/password/change/",
)
OPEN_PAGES = ("/accounts/login/", "/accounts/signup/", "/accounts/password/reset/", "/nothing-here/")


def serious(page: Page) -> list[str]:
    """Return axe's serious and critical findings, each with the first place it was seen."""
    found = Axe().run(page, options=RULES).response["violations"]
    return [
        f"{item['id']}: {item['nodes'][0]['html'][:120]}"
        for item in found
        if item["impact"] in {"serious", "critical"}
    ]


@pytest.fixture(params=list(LOOKS))
def look(request: pytest.FixtureRequest) -> dict[str, object]:
    """How the page is looked at."""
    return LOOKS[str(request.param)]


def test_pages_anybody_may_open(
    site: Site, look: dict[str, object], open_context: Callable[..., BrowserContext]
) -> None:
    page = open_context(**look).new_page()
    findings = {}
    for path in OPEN_PAGES:
        page.goto(site.url + path)
        findings[path] = serious(page)

    assert {path: found for path, found in findings.items() if found} == {}


def too_wide(page: Page) -> list[str]:
    """Say how much wider than the screen the page is, if it is."""
    width, screen = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    return [f"{width} pixels on a screen of {screen}"] if width > screen else []


def test_a_document_in_every_tab(site: Site, look: dict[str, object], as_user: Callable[..., Page]) -> None:
    page = as_user(site, "admin", **look)
    page.goto(f"{site.url}/knowledge/?collection=handbook")
    address = f"{site.url}{page.locator('a.doc-name').first.get_attribute('href')}"
    findings = {}
    for rest in ("", "?tab=versions", "?tab=log", "?tab=cited", "?tab=summary", "replace/", "delete/"):
        page.goto(address + rest)
        findings[rest] = serious(page) + too_wide(page)

    assert {rest: found for rest, found in findings.items() if found} == {}


def test_pages_for_those_who_run_the_site(
    site: Site, look: dict[str, object], as_user: Callable[..., Page]
) -> None:
    page = as_user(site, "admin", **look)
    findings = {}
    for path in STAFF_PAGES:
        page.goto(site.url + path)
        findings[path] = serious(page) + too_wide(page)

    assert {path: found for path, found in findings.items() if found} == {}


def test_the_chat_before_and_after_an_answer_and_its_evidence(
    site: Site, look: dict[str, object], open_context: Callable[..., BrowserContext]
) -> None:
    page = open_context(**look).new_page()
    page.goto(f"{site.url}/chat/support/")
    empty = serious(page)
    ask(page, QUESTION if look["locale"] == "en-GB" else "תוך כמה ימים אפשר להחזיר מוצר?")
    finished(page)
    answered = serious(page)
    page.locator("a.cite").first.click()
    page.locator("aside.evidence mark").first.wait_for()

    assert (empty, answered, serious(page)) == ([], [], [])
