"""The socket of a running site: who gets in, bad frames, strangers, several tabs, stops, many at once."""

import asyncio
import json
import uuid
from collections.abc import Callable
from http.cookies import SimpleCookie

import httpx
import pytest
import websockets

from bench.chats import ask_together, lost_texts
from tests.chat.sockets import new_guest, open_socket
from tests.site import PASSWORD, Site, wait_until

pytestmark = [pytest.mark.timeout(120), pytest.mark.xdist_group("socket")]

LONG = "How long do I have to return a coffee machine, and who pays for the parcel?"
BAD_FRAMES: list[str | bytes] = [
    "not json", "", " ", "[]", '"x"', "null", "5", "NaN", '{"type":1}', '{"type":["a"]}', '{"type":null}',
    '{"type":"__class__"}', '{"type":"chat.message"}', '{"type":"turn_accepted"}', '{"type":"turn.accepted"}',
    '{"type":"websocket.receive"}', "[" * 5000, '{"a":' * 5000, '{"type":"ping","x":NaN}', b"\x00\xff", b"{}",
    '{"type":"turn.cancel","message":{"$ne":null}}', '{"type":"turn.cancel","message":[1]}',
    '{"type":"turn.cancel","message":true}', '{"type":"turn.cancel","message":1e309}',
    '{"type":"turn.resume","message":"../x"}', '{"type":"turn.cancel","message":' + "9" * 30 + "}",
    '{"type":"conversation.watch","conversation":"*"}', '{"type":"turn.start"}',
    json.dumps({"type": "turn.start", "assistant": "support", "text": "\ud800", "client_id": "a"}),
    json.dumps({"type": "turn.start", "assistant": "support", "text": " ", "client_id": "a"}),
    json.dumps({"type": "turn.start", "assistant": "support", "text": "x" * 8001, "client_id": "a"}),
    json.dumps({"type": "turn.start", "assistant": "nobody", "text": "x", "client_id": "a"}),
    json.dumps({"type": "turn.start", "assistant": "tutor", "text": "x", "client_id": "a"}),
    json.dumps({"type": "ping", "x": "x" * 66_000}), "x" * 70_000, "x" * 1_000_000, b"x" * 900_000,
]  # fmt: skip


@pytest.fixture(scope="session")
def slow_site(start_site: Callable[..., Site]) -> Site:
    """A site that writes 200 words a reply, 100 a second."""
    site = start_site(ENGINE="paced", PACED_TOKENS="200", PACED_TOKENS_PER_S="100", RATE_LIMITS="off")
    wait_until(lambda: "warm after" in site.process.tail(), "the site to be warm")  # type: ignore[union-attr]
    return site


async def test_socket_without_a_session_is_closed_with_4401(slow_site: Site) -> None:
    async with open_socket(slow_site, cookies="") as socket:
        with pytest.raises(websockets.ConnectionClosed) as closed:
            await socket.next()

    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4401


def sign_in(site: Site, cookies: str) -> None:
    """Sign somebody in from another tab of the same browser."""
    token = SimpleCookie(cookies)["csrftoken"].value
    answer = httpx.post(
        f"{site.url}/accounts/login/",
        headers={"Cookie": cookies, "Origin": site.url},
        data={"username": "customer", "password": PASSWORD, "csrfmiddlewaretoken": token},
    )
    assert answer.status_code == 302, answer.text


async def test_a_question_after_the_session_has_ended_is_given_back_and_not_stored(
    slow_site: Site,
) -> None:
    cookies = await new_guest(slow_site)
    async with open_socket(slow_site, cookies) as page:
        assert await page.is_alive()
        await asyncio.to_thread(sign_in, slow_site, cookies)

        refused = await page.start(client_id="late")

        assert (refused["type"], refused["code"], refused["client_id"]) == ("error", "not_found", "late")
        with pytest.raises(websockets.ConnectionClosed) as closed:
            await page.is_alive()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 4401


async def test_socket_with_a_made_up_session_is_closed_with_4401(slow_site: Site) -> None:
    async with open_socket(slow_site, cookies="sessionid=' OR 1=1 --; csrftoken=x") as socket:
        with pytest.raises(websockets.ConnectionClosed) as closed:
            await socket.next()

    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4401


@pytest.mark.parametrize(
    "origin",
    ["http://127.0.0.1:3000", "https://127.0.0.1:{port}", "http://localhost:{port}", "http://evil.example",
     "http://127.0.0.1:{port}.evil.example", "null", "file://", "http://127.0.0.1", "http://127.0.0.1:{port}x"],
)  # fmt: skip
async def test_foreign_origin_is_refused(slow_site: Site, origin: str) -> None:
    cookies = await new_guest(slow_site)

    with pytest.raises(websockets.InvalidStatus) as refused:
        async with open_socket(slow_site, cookies, origin=origin.format(port=slow_site.port)):
            pass

    assert refused.value.response.status_code in {400, 403}  # 400: no origin at all


async def test_foreign_host_is_refused_though_its_origin_matches(slow_site: Site) -> None:
    cookies = await new_guest(slow_site)
    headers = {"Cookie": cookies, "Host": f"rebind.example:{slow_site.port}"}

    with pytest.raises(websockets.InvalidStatus) as refused:
        async with websockets.connect(
            slow_site.websocket_url,
            additional_headers=headers,
            origin=websockets.Origin(f"http://rebind.example:{slow_site.port}"),
            proxy=None,
        ):
            pass

    assert refused.value.response.status_code == 403


async def test_program_without_an_origin_gets_in(slow_site: Site) -> None:
    async with open_socket(slow_site, origin=None) as socket:
        assert await socket.is_alive()


async def test_bad_frames_are_answered_with_an_error_and_the_socket_stays_open(slow_site: Site) -> None:
    async with open_socket(slow_site) as socket:
        for frame in BAD_FRAMES:
            await socket.connection.send(frame)
            answer = await socket.next()
            assert answer["type"] == "error", (frame[:80], answer)
            assert answer["code"] not in {"internal", "chat_error"}, (frame[:80], answer)
            assert answer["user_message"]

        assert await socket.is_alive()


async def test_strangers_ids_are_answered_like_missing_ones_and_the_owner_reads_on(slow_site: Site) -> None:
    async with open_socket(slow_site) as alice, open_socket(slow_site) as bob:
        mine = await alice.start(LONG)
        await alice.until("reply.delta")
        for message, conversation in (
            (mine["message"], mine["conversation"]),
            (mine["user_message"], mine["conversation"]),
            (str(uuid.uuid4()), str(uuid.uuid4())),
        ):
            for frame in (
                {"type": "turn.cancel", "message": message},
                {"type": "turn.resume", "message": message, "after": 0},
                {"type": "turn.regenerate", "message": message, "client_id": "again"},
                {"type": "conversation.watch", "conversation": conversation},
                {"type": "turn.start", "conversation": conversation, "text": "hi", "client_id": "hi"},
            ):
                await bob.send(**frame)
                answer = await bob.next()
                assert (answer["type"], answer["code"]) == ("error", "not_found"), frame
        finish = await alice.end()

    assert len({event["user_message"] for event in bob.seen}) == 1
    assert finish["finish_reason"] == "stop"
    assert finish["text"] == alice.text


@pytest.mark.parametrize("after", [-1, 2**63, "5", 1.5, True, None, 2**31 - 1])
async def test_resume_from_an_odd_place_is_refused_or_gets_all(slow_site: Site, after: object) -> None:
    async with open_socket(slow_site) as first:
        accepted = await first.start(LONG)
        for _ in range(10):
            await first.until("reply.delta")
        async with open_socket(slow_site, first.connection.request.headers["Cookie"]) as second:  # type: ignore[union-attr]
            await second.send(type="turn.resume", message=accepted["message"], after=after)
            answer = await second.next()
            if answer["type"] == "error":
                assert answer["code"] == "bad_request"
                assert after not in {None, 2**31 - 1}
                return
            finish = await second.end()

    assert after in {None, 2**31 - 1}
    assert second.text == finish["text"] != ""


async def test_the_same_send_from_two_sockets_at_once_is_one_turn(slow_site: Site) -> None:
    cookies = await new_guest(slow_site)
    async with open_socket(slow_site, cookies) as one, open_socket(slow_site, cookies) as two:
        first = await asyncio.gather(one.start(LONG, client_id="same"), two.start(LONG, client_id="same"))
        ends = await asyncio.gather(one.end(), two.end())
        chat = first[0]["conversation"]
        again = await asyncio.gather(
            *(s.start("And?", client_id="more", conversation=chat) for s in (one, two))
        )

    assert first[0] == first[1]
    assert ends[0]["text"] == ends[1]["text"] == one.text == two.text
    assert again[0] == again[1]
    assert again[0]["type"] == "turn.accepted"


async def test_two_tabs_of_one_chat_stay_in_step_and_either_may_stop(slow_site: Site) -> None:
    cookies = await new_guest(slow_site)
    async with open_socket(slow_site, cookies) as one, open_socket(slow_site, cookies) as two:
        chat = (await one.start(LONG))["conversation"]
        await one.end()
        await two.send(type="conversation.watch", conversation=chat)
        assert await two.is_alive()
        accepted = await one.start("And then?", conversation=chat)
        heard = await two.until("turn.accepted")
        await two.until("reply.delta")
        await two.send(type="turn.cancel", message=accepted["message"])
        ends = await asyncio.gather(one.end(), two.end())

    assert heard == accepted
    assert ends[0] == ends[1]
    assert ends[0]["finish_reason"] == "cancelled"
    assert two.text == ends[1]["text"]
    assert 0 < len(ends[0]["text"].split()) < 200


async def test_stop_of_a_reply_that_waits_its_turn_and_of_one_that_is_over(slow_site: Site) -> None:
    cookies = await new_guest(slow_site)
    async with open_socket(slow_site, cookies) as one, open_socket(slow_site, cookies) as two:
        running = await one.start(LONG)
        await one.until("reply.delta")
        waiting = await two.start(LONG)  # one reply at a time for one guest
        queued = await two.until("reply.queued", "reply.delta")
        await two.send(type="turn.cancel", message=waiting["message"])
        stopped = await two.end()
        finish = await one.end()
        await one.send(type="turn.cancel", message=running["message"])
        assert await one.is_alive()
        await one.send(type="turn.resume", message=running["message"], after=one.seq)
        replayed = await one.end()

    assert queued["type"] == "reply.queued"
    assert (stopped["finish_reason"], stopped["text"]) == ("cancelled", "")
    assert finish["finish_reason"] == replayed["finish_reason"] == "stop"


async def test_stop_right_after_asking_ends_the_reply(slow_site: Site) -> None:
    async with open_socket(slow_site) as socket:
        accepted = await socket.start(LONG)
        await socket.send(type="turn.cancel", message=accepted["message"])
        finish = await socket.end()

    assert finish["finish_reason"] == "cancelled"
    assert finish["text"] == socket.text


async def test_fifty_guests_at_once_lose_nothing(slow_site: Site) -> None:
    chats = await ask_together(slow_site.url, 50)

    assert [chat.error for chat in chats if chat.error] == []
    assert sum(chat.is_whole for chat in chats) == 50
    assert lost_texts(slow_site.data_dir / "site.sqlite3", chats) == 0


async def test_reader_who_never_reads_costs_little_memory_and_gets_all_in_the_end(slow_site: Site) -> None:
    assert slow_site.process is not None
    cookies = await new_guest(slow_site)
    async with open_socket(slow_site, cookies, max_queue=1) as lazy:
        accepted = await lazy.start(LONG)
        before = slow_site.process.rss_mb()
        for _ in range(1000):
            await lazy.send(type="turn.resume", message=accepted["message"], after=0)
        async with open_socket(slow_site, cookies) as other:
            await other.send(type="turn.resume", message=accepted["message"])
            finish = await other.end()
        grown = slow_site.process.rss_mb() - before
        assert await lazy.is_alive()

    assert finish["finish_reason"] == "stop"
    assert "rate_limited" in {event.get("code") for event in lazy.seen}
    assert grown < 20
