"""An administrator works on many documents at once, and tests what a question finds."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.site import Site

pytestmark = pytest.mark.browser


def row(page: Page, name: str) -> Locator:
    return page.locator("tbody", has_text=name).first


def box(page: Page, name: str) -> Locator:
    return page.get_by_label(f"Select {name}")


def test_two_documents_are_chosen_disabled_and_enabled_again(
    site: Site, as_user: Callable[..., Page]
) -> None:
    page = as_user(site, "admin")
    page.goto(f"{site.url}/knowledge/?collection=handbook&sort=name")
    bulk = page.locator("#bulk")
    expect(bulk).to_be_hidden()
    chosen = page.locator("[data-select]")
    names = [page.locator(".doc-name").nth(place).inner_text() for place in (0, 1)]

    for place in (0, 1):
        chosen.nth(place).check()
    expect(bulk).to_contain_text("2 selected")
    bulk.get_by_role("button", name="Disable").click()

    expect(page.locator(".toast")).to_contain_text("2 documents were disabled.")
    for name in names:
        expect(row(page, name)).to_contain_text("Disabled")
    page.locator(".toast").get_by_role("button", name="Undo").click()
    expect(page.locator(".toast")).to_contain_text("2 documents were enabled.")
    for name in names:
        expect(row(page, name)).not_to_contain_text("Disabled")


def test_all_of_a_page_are_chosen_and_let_go(site: Site, as_user: Callable[..., Page]) -> None:
    page = as_user(site, "admin")
    page.goto(f"{site.url}/knowledge/?collection=handbook")
    everything = page.get_by_label("Select all on this page")

    everything.check()
    count = page.locator("[data-select]").count()
    expect(page.locator("#bulk")).to_contain_text(f"{count} selected")
    page.get_by_role("button", name="Clear").click()

    expect(page.locator("#bulk")).to_be_hidden()
    expect(everything).to_be_focused()


def test_deleting_asks_in_a_dialog_that_offers_to_disable_instead(
    site: Site, as_user: Callable[..., Page], tmp_path: Path
) -> None:
    path = tmp_path / "short-lived.txt"
    path.write_text("This note is soon gone.", encoding="utf-8")
    page = as_user(site, "admin")
    page.goto(f"{site.url}/knowledge/?collection=handbook&q=short-lived")
    page.locator("input[type=file]").first.set_input_files(path)
    expect(row(page, "short-lived.txt")).to_contain_text("Ready")

    box(page, "short-lived.txt").check()
    page.locator("#bulk").get_by_role("button", name="Delete…").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Delete 1 document?")
    expect(dialog.get_by_role("button", name="Disable instead")).to_be_visible()
    dialog.get_by_role("button", name="Delete", exact=True).click()

    expect(page.locator(".toast")).to_contain_text("1 document is being deleted.")
    expect(page.locator("#documents")).not_to_contain_text("short-lived.txt")


def test_a_question_is_tested_and_kept_as_a_golden_one(site: Site, as_user: Callable[..., Page]) -> None:
    page = as_user(site, "admin")
    page.goto(f"{site.url}/knowledge/?collection=handbook")
    page.get_by_role("link", name="Test retrieval").click()
    page.get_by_label("Question to test").fill("How long is the warranty of the coffee machine?")
    page.get_by_role("button", name="Search").click()

    expect(page.get_by_role("heading", name=re.compile(r"passages? in \d+ ms"))).to_be_visible()
    expect(page.locator(".hit mark").first).to_be_visible()
    page.get_by_label("What should this question find?").select_option(index=1)
    page.get_by_role("button", name="Save as golden question").click()

    expect(page.locator(".toast")).to_contain_text("Kept as a golden question.")
    expect(page.locator(".hit").first).to_contain_text("expected")
    expect(page.get_by_role("complementary")).to_contain_text("1")
    page.locator(".hit .doc-name").first.click()
    expect(page.locator("[data-chunk][aria-current]").first).to_be_visible()
