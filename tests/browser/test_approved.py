"""Staff approve an answer, and a guest gets it, marked."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.test_chat import ask, finished, replies
from tests.site import Site

pytestmark = pytest.mark.browser


def test_an_approved_answer_is_marked_live_and_after_a_reload(
    site: Site, as_user: Callable[..., Page], guest: Page
) -> None:
    staff = as_user(site, "admin")
    staff.goto(f"{site.url}/knowledge/handbook/answers/new/")
    staff.locator("#id_question").fill("Do you have a shop in Haifa?")
    staff.locator("#id_text").fill("Yes, at the **old port**.")
    expect(staff.locator("#preview strong")).to_have_text("old port")
    staff.locator("#tried-question").fill("do you have a shop in Eilat")
    staff.locator("form:has(#tried-question) button").first.click()
    expect(staff.locator("#tried")).to_contain_text("No: it asks something else")
    staff.get_by_role("button", name="Save and approve").click()
    expect(staff.locator("table")).to_contain_text("Do you have a shop in Haifa?")

    guest.goto(f"{site.url}/chat/support/")
    ask(guest, "Hello, do you have shops in Haifa?")

    finished(guest)
    for _look in range(2):
        expect(replies(guest).last).to_contain_text("Yes, at the old port.")
        expect(replies(guest).last).to_contain_text("Approved by our team")
        expect(replies(guest).last.locator("[data-do=again]")).to_be_hidden()
        guest.reload()
