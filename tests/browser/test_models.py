"""An administrator looks at the engines, and asks two models side by side, in a real browser."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from inference.catalogue import catalogue
from tests.environment import ROOT
from tests.inference.servers.hub_like import HubServer, hub_server
from tests.site import Site

pytestmark = pytest.mark.browser

TINY = ROOT / "tests" / "fixtures" / "tiny-phi3"
RULES = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"]}}


@pytest.fixture(scope="module")
def hub() -> Iterator[HubServer]:
    """A hub on this machine that has one of the catalogue's models, in a tiny size."""
    source = catalogue().find("phi-3.5-mini-instruct").onnx[0]
    files = {f"{source.path}/{file.name}": file.read_bytes() for file in sorted(TINY.iterdir())}
    with hub_server(source.repo, files) as server:
        yield server


@pytest.fixture(scope="module")
def model_site(start_site: Callable[..., Site], hub: HubServer) -> Site:
    """A site with a load-test engine, and a model that lies there unused."""
    return start_site(
        ENGINE="paced",
        PACED_TOKENS="60",
        PACED_TOKENS_PER_S="30",
        MODEL_PATH=str(TINY),
        OLLAMA_URL="off",
        HF_ENDPOINT=hub.url,
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


def test_answers_are_held_to_a_schema_that_stands_under_more(
    model_site: Site, as_user: Callable[..., Page]
) -> None:
    page = as_user(model_site, "admin")
    page.goto(f"{model_site.url}/models/")
    page.get_by_label("Question").fill("How many days?")
    page.get_by_label("First").select_option("onnx")
    page.get_by_label("Second").select_option("extractive")
    page.get_by_text("More", exact=True).click()
    page.get_by_label("Shape of the answer").select_option("json_schema")
    page.get_by_label("JSON schema or pattern").fill(
        '{"type": "object", "properties": {"days": {"type": "integer", "maximum": 99}},'
        ' "required": ["days"], "additionalProperties": false}'
    )

    page.get_by_role("button", name="Ask both").click()

    expect(page.locator("#duel section").first).to_contain_text("days", timeout=30_000)
    expect(page.locator("#duel section").nth(1)).to_contain_text("cannot be held to a schema or a pattern")
    expect(page.locator("#duel [data-phase=finished]")).to_have_count(1)
    assert serious(page) == []


def test_a_picture_that_is_none_is_refused_in_place(
    model_site: Site, as_user: Callable[..., Page], tmp_path: Path
) -> None:
    (tmp_path / "shelf.png").write_bytes(b"no picture at all")
    page = as_user(model_site, "admin")
    page.goto(f"{model_site.url}/models/")
    page.get_by_label("Question").fill("What is this?")
    page.get_by_text("More", exact=True).click()
    page.get_by_label("Picture").set_input_files(tmp_path / "shelf.png")

    page.get_by_role("button", name="Ask both").click()

    expect(page.get_by_role("alert")).to_be_visible()


def test_writing_can_be_stopped(model_site: Site, as_user: Callable[..., Page]) -> None:
    page = as_user(model_site, "admin")
    page.goto(f"{model_site.url}/models/")
    page.get_by_label("Question").fill("When may I return a kettle?")
    page.get_by_label("Second").select_option("paced")
    page.get_by_role("button", name="Ask both").click()
    expect(page.locator("#duel [data-phase=writing]").first).to_be_visible()

    page.get_by_role("button", name="Stop both").click()

    expect(page.locator("#duel")).to_contain_text("Stopped.")


def test_a_download_that_fails_says_why_and_may_be_tried_again(
    model_site: Site, as_user: Callable[..., Page]
) -> None:
    page = as_user(model_site, "admin")
    page.goto(f"{model_site.url}/models/")

    page.get_by_role("button", name="Download Phi-4-mini-instruct").click()

    row = page.locator("#model-phi-4-mini-instruct")
    expect(row).to_contain_text("Download failed", timeout=60_000)
    expect(row).to_contain_text("not there any more under this name")
    expect(row.get_by_role("button", name="Try the download of Phi-4-mini-instruct again")).to_be_visible()


def test_a_download_ends_with_an_installed_model(model_site: Site, as_user: Callable[..., Page]) -> None:
    page = as_user(model_site, "admin")
    page.goto(f"{model_site.url}/models/")

    page.get_by_role("button", name="Download Phi-3.5-mini-instruct", exact=True).click()

    expect(page.locator("#model-phi-3_5-mini-instruct .pill")).to_contain_text("Installed", timeout=60_000)


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
