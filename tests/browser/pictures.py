"""Pictures in a browser: drawn, chosen, dropped, pasted; and where they stand in the page."""

import base64
import io

from PIL import Image as Pixels
from playwright.sync_api import FilePayload, Locator, Page, expect

QUESTION = "Within how many days of delivery can the appliance in the picture be returned?"
MAKE_FILES = """
async (made) => Promise.all(made.map(async ({ name, mimeType, data }) => {
  const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
  return new File([bytes], name, { type: mimeType });
}))
"""
GIVE_FILES = f"""
async ([selector, kind, made]) => {{
  const carrier = new DataTransfer();
  for (const file of await ({MAKE_FILES})(made)) carrier.items.add(file);
  const more = {{ bubbles: true, cancelable: true }};
  const target = document.querySelector(selector);
  if (kind === "paste") {{
    target.dispatchEvent(new ClipboardEvent("paste", {{ ...more, clipboardData: carrier }}));
  }} else for (const type of ["dragover", kind]) {{
    target.dispatchEvent(new DragEvent(type, {{ ...more, dataTransfer: carrier }}));
  }}
}}
"""


def picture(name: str = "label.png", size: tuple[int, int] = (640, 400), colour: str = "teal") -> FilePayload:
    """Draw a file of one colour in the format of its name."""
    drawn = io.BytesIO()
    kind = "JPEG" if name.endswith(".jpg") else "PNG"
    Pixels.new("RGB", size, colour).save(drawn, kind)
    return {"name": name, "mimeType": f"image/{kind.lower()}", "buffer": drawn.getvalue()}


def choose(page: Page, *files: FilePayload) -> None:
    """Choose files in the dialog that the button opens."""
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Attach pictures").click()
    chooser.value.set_files(list(files))


def give(page: Page, selector: str, kind: str, *files: FilePayload) -> None:
    """Drop or paste files onto what the selector names."""
    made = [
        {**file, "buffer": None, "data": base64.b64encode(file["buffer"]).decode("ascii")} for file in files
    ]
    page.evaluate(GIVE_FILES, [selector, kind, made])


def cards(page: Page) -> Locator:
    """Return the pictures over the text field."""
    return page.locator("[data-part=attachments] > li")


def uploaded(page: Page, count: int = 1) -> None:
    """Wait until so many pictures wait for their question, and none is under way."""
    expect(cards(page)).to_have_count(count)
    expect(page.locator("[data-part=attachments] progress:not([hidden])")).to_have_count(0)
    expect(page.locator("[data-part=attachments] .is-failed")).to_have_count(0)


def note(page: Page) -> Locator:
    """Return the sentence over the text field."""
    return page.locator("[data-part=attach-note]")


def shown(page: Page) -> Locator:
    """Return the pictures that stand in questions and are loaded."""
    return page.locator("[data-role=user] .picture img")


def is_loaded(image: Locator) -> bool:
    """Say whether an image has arrived."""
    image.scroll_into_view_if_needed()
    return bool(image.evaluate("async (el) => { await el.decode(); return el.naturalWidth > 0; }"))
