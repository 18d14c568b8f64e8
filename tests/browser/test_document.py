"""A manager on a document's page: a click marks a chunk on both sides, an edit shows in the text."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.site import PASSWORD, Site

pytestmark = pytest.mark.browser

OVENS = (
    "# Ovens\n\n## Cleaning\n\nWipe the door of the Helios oven with vinegar once a week.\n\n"
    "## Light\n\nThe lamp is a G4 bulb.\n"
)


def add(page: Page, site: Site, path: Path) -> str:
    """Add a file to the handbook, wait until it is read and return the address of its page."""
    page.goto(site.url)
    token = json.loads(page.locator("body").get_attribute("hx-headers") or "{}")["X-CSRFToken"]
    answer = page.request.post(
        f"{site.url}/knowledge/upload/",
        headers={"Accept": "application/json", "X-CSRFToken": token, "Referer": site.url},
        multipart={
            "collection": "handbook",
            "files": {"name": path.name, "mimeType": "text/markdown", "buffer": path.read_bytes()},
        },
    )
    return f"{site.url}/knowledge/documents/{answer.json()['files'][0]['document']}/"


def test_an_edit_of_a_chunk_shows_in_the_text_beside_it(
    site: Site, as_user: Callable[..., Page], tmp_path: Path
) -> None:
    path = tmp_path / "ovens.md"
    path.write_text(OVENS, encoding="utf-8")
    page = as_user(site, "admin")
    page.goto(add(page, site, path))
    expect(page.locator(".page-head")).to_contain_text("Ready")  # it loads anew when it was read
    area = page.locator(".area", has_text="vinegar")
    card = page.locator(".chunk", has_text="vinegar")

    area.click()
    expect(card).to_have_attribute("aria-current", "true")
    expect(area).to_have_class(re.compile("is-open"))

    card.get_by_role("link", name=re.compile("Edit chunk")).click()
    page.locator("textarea").fill("Wipe the door of the Helios oven with warm water once a week.")
    page.get_by_role("button", name="Save").click()

    expect(page.locator(".area.is-open")).to_contain_text("warm water")
    expect(page.locator(".chunk", has_text="warm water")).to_contain_text("Edited")

    page.locator(".chunk", has_text="warm water").get_by_role("switch").click()
    expect(page.locator("#chunk-facts")).to_contain_text("1 off")
    expect(page.locator(".area.is-off")).to_contain_text("warm water")


def test_an_action_that_does_not_reach_the_server_says_so(site: Site, page: Page) -> None:
    page.goto(f"{site.url}/accounts/login/?next=/knowledge/")
    page.locator("input[name=username]").fill("admin")
    page.locator("input[name=password]").fill(PASSWORD)
    page.locator("input[name=password]").press("Enter")
    page.get_by_role("link", name="warranty.en.md").first.click()

    page.context.set_offline(True)
    page.get_by_role("switch").last.click()

    expect(page.locator(".toast")).to_contain_text("did not reach the server")
