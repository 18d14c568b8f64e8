"""Pictures go with a question: chosen, dropped, pasted, taken from a video; removed, kept, refused."""

import base64

import pytest
from playwright.sync_api import FilePayload, Page, Route, expect

from tests.browser.pictures import QUESTION, cards, choose, give, is_loaded, note, picture, shown, uploaded
from tests.browser.test_chat import ask, finished
from tests.inference.servers.wire import WireServer
from tests.site import Site

pytestmark = pytest.mark.browser

UPLOADS = "**/chat/attachments/"
SWEEP = """
async () => {
  const [, kept] = Object.entries(localStorage).find(([key]) => key.startsWith("images:"));
  const headers = JSON.parse(document.body.getAttribute("hx-headers"));
  await fetch(JSON.parse(kept)[0].url, { method: "DELETE", headers });
}
"""
MARK_SENT = """
const send = XMLHttpRequest.prototype.send;
XMLHttpRequest.prototype.send = function (body) {
  this.upload.addEventListener("load", () => (document.body.dataset.test = "sent"));
  return send.call(this, body);
};
"""
RECORD = """
async ([seconds, kind]) => {
  const canvas = Object.assign(document.createElement("canvas"), { width: 160, height: 120 });
  const pen = canvas.getContext("2d");
  const paint = setInterval(() => {
    pen.fillStyle = `hsl(${performance.now() / 10} 80% 50%)`;
    pen.fillRect(0, 0, 160, 120);
  }, 40);
  const recorder = new MediaRecorder(canvas.captureStream(25), { mimeType: kind });
  const pieces = [];
  recorder.ondataavailable = ({ data }) => pieces.push(data);
  const over = new Promise((resolve) => (recorder.onstop = resolve));
  recorder.start();
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  recorder.stop();
  await over;
  clearInterval(paint);
  const bytes = new Uint8Array(await new Blob(pieces).arrayBuffer());
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
}
"""


def test_a_chosen_picture_goes_with_its_question_and_reaches_the_model(
    chat: Page, seeing_server: WireServer
) -> None:
    choose(chat, picture())
    uploaded(chat)
    expect(cards(chat)).to_contain_text("label.png")
    expect(chat.locator("#composer")).to_be_focused()

    ask(chat, QUESTION)

    finished(chat)
    expect(cards(chat)).to_have_count(0)
    expect(shown(chat)).to_have_attribute("alt", "label.png")
    assert is_loaded(shown(chat))
    expect(chat.locator("article.msg-answer")).to_have_attribute("data-status", "done")
    assert "image_url" in str(seeing_server.requests[-1].body["messages"])


def test_pictures_can_be_dropped_onto_the_page(chat: Page) -> None:
    give(chat, "#main .hello", "drop", picture("front.jpg"), picture("back.png"))

    uploaded(chat, 2)
    expect(cards(chat).first).to_contain_text("front.jpg")
    expect(chat.locator(".drop-hint")).to_be_hidden()


def test_a_picture_can_be_pasted(chat: Page) -> None:
    give(chat, "#composer", "paste", picture("image.png"))

    uploaded(chat)
    expect(cards(chat)).to_contain_text("image.png")


def test_a_removed_picture_does_not_go_with_the_question(chat: Page, seeing_server: WireServer) -> None:
    choose(chat, picture("keep.png"), picture("drop.png"))
    uploaded(chat, 2)

    with chat.expect_response(lambda response: response.request.method == "DELETE") as removed:
        chat.get_by_role("button", name="Remove drop.png").press("Enter")
    uploaded(chat)
    expect(chat.locator("#composer")).to_be_focused()
    ask(chat, QUESTION)

    finished(chat)
    assert removed.value.status == 204
    expect(shown(chat)).to_have_count(1)
    expect(shown(chat)).to_have_attribute("alt", "keep.png")


def test_attached_pictures_survive_a_reload_before_they_are_sent(chat: Page) -> None:
    choose(chat, picture())
    uploaded(chat)
    chat.locator("#composer").fill(QUESTION)

    chat.reload()

    uploaded(chat)
    expect(chat.locator("#composer")).to_have_value(QUESTION)
    chat.locator("#composer").press("Enter")
    finished(chat)
    expect(shown(chat)).to_have_count(1)


def test_a_kept_picture_that_the_server_has_swept_away_is_told(seeing_site: Site, page: Page) -> None:
    page.goto(f"{seeing_site.url}/chat/support/")
    choose(page, picture("old.png"), picture("new.png"))
    uploaded(page, 2)
    page.evaluate(SWEEP)

    page.reload()

    expect(note(page)).to_contain_text("“old.png” is no longer kept here.")
    uploaded(page)
    ask(page, QUESTION)
    finished(page)
    expect(shown(page)).to_have_attribute("alt", "new.png")


def test_a_picture_that_another_tab_has_sent_does_not_stand_in_the_way(seeing_site: Site, page: Page) -> None:
    page.goto(f"{seeing_site.url}/chat/support/")
    choose(page, picture("sent.png"))
    uploaded(page)
    other = page.context.new_page()
    other.goto(f"{seeing_site.url}/chat/support/")
    uploaded(other)
    ask(page, QUESTION)
    finished(page)

    ask(other, QUESTION)

    expect(other.locator("[data-part=notice]")).to_contain_text("not there any more")
    expect(cards(other)).to_have_count(0)
    other.locator("#composer").press("Enter")
    finished(other)


def test_a_page_from_before_a_sign_in_says_that_it_must_be_loaded_again(
    seeing_site: Site, page: Page
) -> None:
    page.goto(f"{seeing_site.url}/chat/support/")
    page.context.clear_cookies(name="csrftoken")

    choose(page, picture())

    expect(cards(page)).to_contain_text("Reload the page")
    expect(cards(page)).not_to_contain_text("connection was lost")


def test_a_picture_removed_while_the_server_looks_at_it_is_taken_back(seeing_site: Site, page: Page) -> None:
    page.add_init_script(MARK_SENT)
    page.goto(f"{seeing_site.url}/chat/support/")

    with page.expect_response(lambda answer: answer.request.method == "DELETE") as removal:
        choose(page, picture(size=(4000, 4000)))  # about a second's work for the server
        page.wait_for_selector("body[data-test=sent]")  # before that nothing needs to be taken back
        page.get_by_role("button", name="Remove label.png").click()
        expect(cards(page)).to_have_count(0)

    assert removal.value.status == 204
    assert page.request.get(removal.value.url).status == 404


def test_a_name_of_any_length_leaves_room_for_the_question(chat: Page) -> None:
    choose(chat, picture("\u202egnp.exe " + "long name " * 20 + ".png"))
    uploaded(chat)

    box = cards(chat).bounding_box()
    assert box is not None
    assert box["height"] < 80
    expect(cards(chat)).to_contain_text("gnp.exe long name")
    choose(chat, {"name": "x" * 240 + ".txt", "mimeType": "text/plain", "buffer": b"x"})
    expect(note(chat)).to_be_visible()
    assert note(chat).evaluate("(el) => el.scrollWidth <= el.clientWidth")


def test_a_refused_question_comes_back_with_its_pictures(seeing_site: Site, page: Page) -> None:
    page.goto(f"{seeing_site.url}/chat/support/")
    choose(page, picture("old.png"), picture("new.png"))
    uploaded(page, 2)
    page.evaluate(SWEEP)

    ask(page, QUESTION)

    expect(page.locator("[data-part=notice]")).to_contain_text("not there any more")
    expect(page.locator("#composer")).to_have_value(QUESTION)
    expect(page.locator("[data-role=user]")).to_have_count(0)
    uploaded(page)
    expect(cards(page)).to_contain_text("new.png")
    page.locator("#composer").press("Enter")
    finished(page)
    expect(shown(page)).to_have_attribute("alt", "new.png")


def test_a_question_sent_too_early_waits_for_its_picture(chat: Page) -> None:
    held: list[Route] = []
    chat.route(UPLOADS, lambda route: held.append(route))
    choose(chat, picture())
    expect(cards(chat).locator("progress")).to_be_visible()

    ask(chat, QUESTION)

    expect(chat.locator("button.send")).to_be_disabled()
    expect(chat.get_by_role("button", name="Sent as soon as the pictures are uploaded")).to_be_visible()
    expect(note(chat)).to_contain_text("sent as soon as")
    expect(chat.locator("[data-role=user]")).to_have_count(0)
    held[0].continue_()
    finished(chat)
    expect(shown(chat)).to_have_count(1)


def test_a_lost_upload_keeps_the_question_back_until_it_is_tried_again(seeing_site: Site, page: Page) -> None:
    page.goto(f"{seeing_site.url}/chat/support/")
    page.route(UPLOADS, lambda route: route.abort())
    choose(page, picture())
    expect(cards(page)).to_contain_text("the connection was lost")

    ask(page, QUESTION)
    expect(note(page)).to_contain_text("Not sent yet")
    expect(page.locator("#composer")).to_have_value(QUESTION)
    expect(page.locator("[data-role=user]")).to_have_count(0)
    page.unroute(UPLOADS)
    page.get_by_role("button", name="Upload label.png again").click()
    uploaded(page)
    page.locator("#composer").press("Enter")

    finished(page)
    assert is_loaded(shown(page))


def test_a_picture_attached_offline_goes_up_when_the_connection_is_back(
    seeing_site: Site, page: Page
) -> None:
    page.goto(f"{seeing_site.url}/chat/support/")
    choose(page, picture("before.png"))
    uploaded(page)
    page.context.set_offline(True)
    choose(page, picture("after.png"))
    expect(cards(page).last).to_contain_text("the connection was lost")
    ask(page, QUESTION)
    expect(note(page)).to_contain_text("Upload it again")

    page.context.set_offline(False)

    uploaded(page, 2)
    expect(note(page)).to_be_hidden()
    expect(page.locator("#composer")).to_have_value(QUESTION)


def test_a_first_picture_attached_offline_is_told_and_may_be_attached_later(
    seeing_site: Site, page: Page
) -> None:
    page.goto(f"{seeing_site.url}/chat/support/")
    page.context.set_offline(True)
    choose(page, picture())
    expect(note(page)).to_contain_text("the connection was lost")
    page.context.set_offline(False)

    choose(page, picture())

    uploaded(page)
    expect(note(page)).to_be_hidden()


def test_a_question_asked_offline_keeps_its_picture(seeing_site: Site, page: Page) -> None:
    page.goto(f"{seeing_site.url}/chat/support/")
    choose(page, picture())
    uploaded(page)
    page.context.set_offline(True)

    ask(page, QUESTION)
    expect(page.locator(".msg-user.is-unsent")).to_contain_text(QUESTION)
    page.context.set_offline(False)

    finished(page)
    expect(shown(page)).to_have_count(1)


def test_what_the_server_refuses_is_told_in_its_words(seeing_site: Site, page: Page) -> None:
    page.goto(f"{seeing_site.url}/chat/support/")

    choose(page, {"name": "torn.png", "mimeType": "image/png", "buffer": picture()["buffer"][:60]})

    expect(cards(page)).to_contain_text("damaged")
    expect(page.get_by_role("button", name="Upload torn.png again")).to_be_hidden()
    page.get_by_role("button", name="Remove torn.png").click()
    expect(cards(page)).to_have_count(0)


def test_what_cannot_be_attached_is_told_before_anything_is_uploaded(chat: Page) -> None:
    sent: list[str] = []
    chat.on("request", lambda request: sent.append(request.method) if "attachments" in request.url else None)
    large: FilePayload = {"name": "wall.png", "mimeType": "image/png", "buffer": b"\0" * (1024 * 1024 + 1)}

    choose(chat, {"name": "terms.pdf", "mimeType": "application/pdf", "buffer": b"%PDF"})
    expect(note(chat)).to_contain_text("“terms.pdf” was not attached")
    choose(chat, large)
    expect(note(chat)).to_contain_text("“wall.png” was not attached. A picture may have up to 1 MB.")

    expect(cards(chat)).to_have_count(0)
    assert "POST" not in sent


def test_more_pictures_than_a_question_may_have_are_left_out(chat: Page) -> None:
    choose(chat, *(picture(f"{n}.png") for n in range(5)))

    uploaded(chat, 3)
    expect(note(chat)).to_contain_text("A question may have 3 pictures.")


def test_a_photo_too_large_for_the_server_is_made_smaller_before_it_is_sent(chat: Page) -> None:
    choose(chat, picture("wall.png", (12_000, 4_000)))  # 48 megapixels; the server takes 40
    uploaded(chat)

    ask(chat, QUESTION)

    finished(chat)
    assert is_loaded(shown(chat))


def test_a_text_only_assistant_says_so_at_once(site: Site, guest: Page) -> None:
    guest.goto(f"{site.url}/chat/support/")
    sent: list[str] = []
    guest.on("request", lambda request: sent.append(request.url) if "attachments/" in request.url else None)

    guest.get_by_role("button", name="Attach pictures").click()
    expect(note(guest)).to_contain_text("reads text only")
    note(guest).get_by_role("button", name="Close").click()
    expect(note(guest)).to_be_hidden()
    give(guest, "#composer", "paste", picture())

    expect(note(guest)).to_contain_text("reads text only")
    expect(cards(guest)).to_have_count(0)
    assert sent == []


def test_a_video_becomes_pictures_of_its_moments(chat: Page) -> None:
    data = chat.evaluate(RECORD, [2.6, "video/webm"])

    choose(chat, {"name": "turn.webm", "mimeType": "video/webm", "buffer": base64.b64decode(data)})

    uploaded(chat, 2)
    expect(cards(chat).nth(0)).to_contain_text("turn.webm – 0:00")
    expect(cards(chat).nth(1)).to_contain_text("turn.webm – 0:01")
    ask(chat, QUESTION)
    finished(chat)
    expect(shown(chat)).to_have_count(2)
    assert is_loaded(shown(chat).last)


def test_a_video_that_cannot_be_read_says_so(seeing_site: Site, page: Page) -> None:
    page.goto(f"{seeing_site.url}/chat/support/")

    choose(page, {"name": "broken.mp4", "mimeType": "video/mp4", "buffer": b"not a video"})

    expect(note(page)).to_contain_text("“broken.mp4” was not attached. Your browser cannot read this video.")
    expect(cards(page)).to_have_count(0)
