"""An administrator looks at the engines, and asks two models side by side, in a real browser."""

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.environment import ROOT
from tests.site import Site

pytestmark = pytest.mark.browser

RULES = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"]}}


@pytest.fixture(scope="module")
def model_site(start_site: Callable[..., Site]) -> Site:
    """A site with a load-test engine and a model that lies there unused; the hub is nobody's address."""
    return start_site(
        ENGINE="paced",
        PACED_TOKENS="60",
        PACED_TOKENS_PER_S="30",
        MODEL_PATH=str(ROOT / "tests" / "fixtures" / "tiny-phi3"),
        OLLAMA_URL="off",
        HF_ENDPOINT="http://127.0.0.1:9",
    )


def serious(page: Page) -> list[str]:
    """Return axe's serious and critical findings."""
    found = Axe().run(page, options=RULES).response["violations"]
    return [
        f"{item['id']}: {item['nodes'][0]['html'][:120]}"
        for item in found
        if item["impact"] in {"serious", "critical"}
    ]


def test_two_models_write_side_by_side(model_site: Site, as_user: Callable[..., Page]) -> None:
    page = as_user(model_site, "admin")
    page.goto(f"{model_site.url}/")
    page.locator(".spine a[href='/models/']").click()
    page.get_by_label("Question").fill("When may I return a kettle?")
    page.get_by_label("First").select_option("paced")
    page.get_by_label("Second").select_option("onnx")

    page.get_by_role("button", name="Ask both").click()

    expect(page.locator("#duel [data-phase=writing]").first).to_be_visible()
    expect(page.locator("#duel [data-phase=finished]")).to_have_count(2)
    expect(page.locator("#duel")).to_contain_text("to the first word")
    expect(page.locator("#engine-onnx")).to_contain_text("Ready")
    assert serious(page) == []


def test_writing_can_be_stopped(model_site: Site, as_user: Callable[..., Page]) -> None:
    page = as_user(model_site, "admin")
    page.goto(f"{model_site.url}/models/")
    page.get_by_label("Question").fill("When may I return a kettle?")
    page.get_by_label("Second").select_option("paced")
    page.get_by_role("button", name="Ask both").click()
    expect(page.locator("#duel [data-phase=writing]").first).to_be_visible()

    page.get_by_role("button", name="Stop both").click()

    expect(page.locator("#duel")).to_contain_text("Stopped.")


def test_a_download_that_cannot_start_says_why_and_may_be_tried_again(
    model_site: Site, as_user: Callable[..., Page]
) -> None:
    page = as_user(model_site, "admin")
    page.goto(f"{model_site.url}/models/")

    page.get_by_role("button", name="Download Phi-4-mini-instruct").click()

    row = page.locator("#model-phi-4-mini-instruct")
    expect(row).to_contain_text("Download failed", timeout=60_000)
    expect(row).to_contain_text("cannot be reached")
    expect(row.get_by_role("button", name="Try the download of Phi-4-mini-instruct again")).to_be_visible()


@pytest.mark.parametrize("look", ["light", "dark-hebrew-phone"])
def test_the_page_fits_and_axe_finds_nothing_serious(
    model_site: Site, as_user: Callable[..., Page], look: str
) -> None:
    phone = {
        "locale": "he-IL",
        "color_scheme": "dark",
        "viewport": {"width": 390, "height": 844},
        "is_mobile": True,
        "has_touch": True,
    }
    page = as_user(model_site, "admin", **(phone if look != "light" else {}))
    page.goto(f"{model_site.url}/models/")
    page.locator("#model-phi-4 summary").click()

    assert serious(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
