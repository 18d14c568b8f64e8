"""A real browser on a real site. Every page is watched: no console error, no CSP violation, no dialog."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Dialog, Page, expect

from tests.inference.servers.openai_like import openai_server
from tests.inference.servers.wire import WireServer
from tests.site import PASSWORD, Site

expect.set_options(timeout=15_000)

_IGNORED = ("favicon",)


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args: dict[str, Any]) -> dict[str, Any]:
    """English, a desktop, light."""
    return {**browser_context_args, "locale": "en-GB", "viewport": {"width": 1280, "height": 800}}


@pytest.fixture
def open_context(
    browser: Browser, browser_context_args: dict[str, Any]
) -> Iterator[Callable[..., BrowserContext]]:
    """Open browsers of their own, each with what differs from the usual."""
    opened: list[BrowserContext] = []

    def start(**different: Any) -> BrowserContext:
        opened.append(browser.new_context(**{**browser_context_args, **different}))
        return opened[-1]

    yield start
    for context in opened:
        context.close()


@pytest.fixture
def watch() -> Iterator[Callable[[Page], Page]]:
    """Watch a page; the test fails when the browser complains about it."""
    complaints: list[str] = []

    def on_console(message: ConsoleMessage) -> None:
        if message.type == "error" and not any(word in message.text for word in _IGNORED):
            complaints.append(f"console: {message.text}")

    def on_dialog(dialog: Dialog) -> None:
        complaints.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def start(page: Page) -> Page:
        page.on("console", on_console)
        page.on("pageerror", lambda error: complaints.append(f"script: {error}"))
        page.on("dialog", on_dialog)
        return page

    yield start
    assert complaints == []


@pytest.fixture
def guest(page: Page, watch: Callable[[Page], Page]) -> Page:
    """A stranger's browser."""
    return watch(page)


@pytest.fixture
def as_user(
    open_context: Callable[..., BrowserContext], watch: Callable[[Page], Page]
) -> Callable[..., Page]:
    """Open a browser of its own for a demo person, signed in through the form."""

    def sign_in(site: Site, name: str, **context: Any) -> Page:
        page = watch(open_context(**context).new_page())
        page.goto(f"{site.url}/accounts/login/")
        page.locator("input[name=username]").fill(name)
        page.locator("input[name=password]").fill(PASSWORD)
        page.locator(
            "main form button[type=submit], form:has(input[name=password]) button[type=submit]"
        ).first.click()
        page.wait_for_url(lambda url: "/accounts/login" not in url)
        return page

    return sign_in


@pytest.fixture(scope="session")
def slow_site(start_site: Callable[..., Site]) -> Site:
    """A site whose engine writes slowly, so that there is time to stop and reload."""
    return start_site(ENGINE="paced", PACED_TOKENS="120", PACED_TOKENS_PER_S="15")


@pytest.fixture(scope="session")
def seeing_server() -> Iterator[WireServer]:
    """A server whose model sees."""
    with openai_server() as running:
        yield running


@pytest.fixture(scope="session")
def seeing_site(start_site: Callable[..., Site], seeing_server: WireServer) -> Site:
    """A site whose assistants may be sent pictures."""
    return start_site(
        ENGINE="openai",
        OPENAI_BASE_URL=f"{seeing_server.url}/v1",
        OPENAI_MODEL="microsoft/Phi-3.5-vision-instruct",
        RATE_LIMITS="off",
        MAX_IMAGES="3",
        MAX_IMAGE_MB="1",
    )


@pytest.fixture
def chat(seeing_site: Site, guest: Page) -> Page:
    """A new chat with an assistant that sees."""
    guest.goto(f"{seeing_site.url}/chat/support/")
    return guest
