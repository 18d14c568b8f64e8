"""Pictures of every page, for the README and for looking at: `make screenshots [ARGS=--to=FOLDER]`.

Starts a seeded site of its own and walks it in Chromium: phone and desktop, light and dark, English and
Hebrew. docs/screenshots holds the ones the README shows.
"""

import argparse
import re
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from tests.conftest import CHROMIUM, CHROMIUM_ARGS
from tests.site import PASSWORD, Site

DESKTOP, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}
QUESTIONS = {
    "en": "Within how many days can I return an appliance?",
    "he": "תוך כמה ימים אפשר להחזיר מוצר?",
    "ar": "كم يوما لدي لإرجاع المنتج؟",
}


@dataclass(frozen=True)
class Shot:
    """One picture: its name, who looks, at what, and how."""

    name: str
    show: Callable[[Page, Site], None]
    user: str = ""
    language: str = "en"
    is_dark: bool = False
    is_phone: bool = False


def empty_chat(page: Page, site: Site) -> None:
    """Show a new chat."""
    page.goto(f"{site.url}/chat/support/")


def answered(page: Page, site: Site) -> None:
    """Ask and wait for the answer."""
    empty_chat(page, site)
    language = page.locator("html").get_attribute("lang") or "en"
    page.locator("#composer").fill(QUESTIONS[language])
    page.locator("#composer").press("Enter")
    page.locator("article.msg-answer[data-status=done]").wait_for()
    page.wait_for_timeout(300)


def evidence(page: Page, site: Site) -> None:
    """Open the evidence of an answer."""
    answered(page, site)
    page.locator("article.msg-answer a.cite").first.click()
    page.locator("aside.evidence mark").first.wait_for(timeout=8000)
    page.mouse.move(5, 5)
    page.wait_for_timeout(400)


def refused(page: Page, site: Site) -> None:
    """Ask what the documents do not say."""
    empty_chat(page, site)
    page.locator("#composer").fill("Which general lost the battle of Waterloo in 1815?")
    page.locator("#composer").press("Enter")
    page.locator("article.msg-answer[data-status=done]").wait_for()
    page.wait_for_timeout(300)


def at(path: str) -> Callable[[Page, Site], None]:
    """Show an address."""

    def show(page: Page, site: Site) -> None:
        page.goto(site.url + path)
        page.wait_for_timeout(300)

    return show


def document(page: Page, site: Site) -> None:
    """Show the first document of the handbook."""
    page.goto(f"{site.url}/knowledge/")
    page.locator("a.doc-name").first.click()
    page.wait_for_load_state()


def transcript(page: Page, site: Site) -> None:
    """Show the newest transcript."""
    page.goto(f"{site.url}/review/")
    page.locator("main a[href^='/review/']").filter(has_text=re.compile(r"\w")).first.click()
    page.wait_for_load_state()


SCREENS: tuple[tuple[str, Callable[[Page, Site], None], str], ...] = (
    ("chat-empty", empty_chat, ""),
    ("chat", answered, ""),
    ("evidence", evidence, ""),
    ("refused", refused, ""),
    ("knowledge", at("/knowledge/?collection=handbook"), "admin"),
    ("document", document, "admin"),
    ("assistants", at("/assistants/"), "admin"),
    ("assistant", at("/assistants/support/"), "admin"),
    ("review", at("/review/"), "staff"),
    ("transcript", transcript, "staff"),
    ("settings", at("/accounts/settings/"), "customer"),
    ("sign-in", at("/accounts/login/"), ""),
    ("sign-up", at("/accounts/signup/"), ""),
    ("missing", at("/chat/support/00000000-0000-4000-8000-000000000000/"), ""),
)


def shots() -> list[Shot]:
    """Every screen on both sizes, in both themes, and in Hebrew."""
    return [
        Shot(
            f"{name}{'-he' if language == 'he' else ''}{'-phone' if phone else ''}{'-dark' if dark else ''}",
            show, user, language, dark, phone,
        )
        for name, show, user in SCREENS
        for language, dark in (("en", False), ("en", True), ("he", False))
        for phone in (False, True)
    ]  # fmt: skip


def take(browser: Browser, site: Site, shot: Shot, folder: Path) -> None:
    """Take one picture."""
    context = browser.new_context(
        locale={"en": "en-GB", "he": "he-IL"}[shot.language],
        color_scheme="dark" if shot.is_dark else "light",
        viewport=PHONE if shot.is_phone else DESKTOP,  # type: ignore[arg-type]
        device_scale_factor=1,
        has_touch=shot.is_phone,
        is_mobile=shot.is_phone,
    )
    page = context.new_page()
    if shot.user:
        page.goto(f"{site.url}/accounts/login/")
        page.locator("input[name=username]").fill(shot.user)
        page.locator("input[name=password]").fill(PASSWORD)
        page.locator("input[name=password]").press("Enter")
        page.wait_for_url(lambda url: "/accounts/login" not in url)
    shot.show(page, site)
    page.screenshot(path=folder / f"{shot.name}.png")
    context.close()


def main() -> None:
    """Take the pictures asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--to", type=Path, default=Path("test-artifacts/screenshots"))
    parser.add_argument("--only", default="", help="pictures whose name contains this")
    options = parser.parse_args()
    options.to.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="chatsite-shots-") as data, sync_playwright() as playwright:
        site = Site(Path(data), RATE_LIMITS="off")
        site.manage("prepare", "--demo")
        site.start()
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGS)
        try:
            for shot in shots():
                if options.only in shot.name:
                    take(browser, site, shot, options.to)
        finally:
            browser.close()
            site.stop()


if __name__ == "__main__":
    main()
