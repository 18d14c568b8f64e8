"""Pictures on a running site: uploaded by HTTP, sent over the socket."""

import asyncio
from http.cookies import SimpleCookie
from typing import Any

import httpx
import pytest

from tests.chat.pictures import ADDRESS, picture
from tests.chat.sockets import new_guest, open_socket
from tests.site import Site

pytestmark = [pytest.mark.timeout(120), pytest.mark.xdist_group("socket")]


async def upload(site: Site, cookies: str) -> dict[str, Any]:
    """Upload a picture as the page does, with the token of its cookie."""
    token = SimpleCookie(cookies)["csrftoken"].value
    headers = {"Cookie": cookies, "X-CSRFToken": token, "Origin": site.url}

    def post() -> httpx.Response:
        return httpx.post(
            f"{site.url}{ADDRESS}", headers=headers, files={"file": ("kitchen.png", picture(64, 48))}
        )

    answer = await asyncio.to_thread(post)
    assert answer.status_code == 201, answer.text
    item: dict[str, Any] = answer.json()
    return item


async def test_a_picture_is_stored_with_its_question_and_told_to_every_tab(site: Site) -> None:
    cookies = await new_guest(site)
    item = await upload(site, cookies)
    async with open_socket(site, cookies) as one, open_socket(site, cookies) as other:
        first = await one.start()
        await one.end()
        await other.send(type="conversation.watch", conversation=first["conversation"])
        assert await other.is_alive()

        accepted = await one.start(conversation=first["conversation"], attachments=[item["id"]])
        heard = await other.until("turn.accepted")
        end = await one.end()

    assert accepted["attachments"] == heard["attachments"] == [item]
    assert (end["type"], end["code"]) == ("reply.error", "no_vision")  # the demo's engine only quotes


async def test_a_strangers_picture_is_refused_by_the_socket_which_stays_open(site: Site) -> None:
    item = await upload(site, await new_guest(site))
    async with open_socket(site) as stranger:
        refused = await stranger.start(attachments=[item["id"]], client_id="mine")

        assert (refused["type"], refused["code"], refused["client_id"]) == (
            "error",
            "attachment_gone",
            "mine",
        )
        assert refused["user_message"]
        assert refused["gone"] == [item["id"]]
        assert await stranger.is_alive()
