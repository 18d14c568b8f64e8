"""Frames in, events out, and the page that documents them."""

import json
import re
from contextlib import suppress
from dataclasses import MISSING, fields
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat import errors, events, protocol
from chat.protocol import (
    EVENTS,
    FRAMES,
    Ack,
    ConversationWatch,
    ErrorEvent,
    Ping,
    Pong,
    ProtocolError,
    ReplyDelta,
    ReplyFinish,
    TurnAccepted,
    TurnCancel,
    TurnRegenerate,
    TurnResume,
    TurnStart,
    parse,
)

ID = "0b9f5a4e-6c1e-4c4e-9f6e-0a1b2c3d4e5f"
OTHER = "1b9f5a4e-6c1e-4c4e-9f6e-0a1b2c3d4e5f"
ASK = {"type": "turn.start", "text": "Hi", "client_id": "c"}
DOC = Path(__file__).parents[2] / "docs" / "protocol.md"


def start(**changes: object) -> str:
    """A good turn.start, changed."""
    values: dict[str, object] = {
        "type": "turn.start",
        "assistant": "support",
        "text": "Hi",
        "client_id": "c1",
    }
    return json.dumps({**values, **changes})


def refusal(text: str | None, data: bytes | None = None) -> ProtocolError:
    """The error a frame is refused with."""
    with pytest.raises(ProtocolError) as caught:
        parse(text, data)
    return caught.value


@pytest.mark.parametrize(
    ("values", "frame"),
    [
        (
            {
                "type": "turn.start",
                "text": "Hi",
                "client_id": "c",
                "conversation": ID,
                "attachments": [OTHER],
            },
            TurnStart("Hi", "c", UUID(ID), attachments=(UUID(OTHER),)),
        ),
        (
            {**ASK, "assistant": "tutor", "parent": None},
            TurnStart("Hi", "c", assistant="tutor"),
        ),
        ({"type": "turn.cancel", "message": ID}, TurnCancel(UUID(ID))),
        ({"type": "turn.regenerate", "message": ID, "client_id": "c"}, TurnRegenerate(UUID(ID), "c")),
        ({"type": "turn.resume", "message": ID, "after": 7}, TurnResume(UUID(ID), 7)),
        ({"type": "turn.resume", "message": ID}, TurnResume(UUID(ID), 0)),
        ({"type": "conversation.watch", "conversation": ID}, ConversationWatch(UUID(ID))),
        ({"type": "ack", "message": ID, "seq": 4}, Ack(UUID(ID), 4)),
        ({"type": "ping", "later": {"field": 1}}, Ping()),
    ],
)
def test_frame_is_read_when_it_is_good(values: dict[str, object], frame: protocol.Frame) -> None:
    assert parse(json.dumps(values)) == frame


@pytest.mark.parametrize(
    "text",
    [
        *("not json", "", "[]", '"x"', "null", "{}", "1", '{"type":1}', '{"type":["a"]}', '{"type":null}'),
        *('{"type":"ping","x":NaN}', '{"type":"ping","x":-Infinity}', "[" * 5000, '{"a":' * 5000),
        '{"type":"ping","x":' + "9" * 5000 + "}",
    ],
)
def test_frame_is_a_bad_request_when_it_is_no_json_object_with_a_type(text: str) -> None:
    assert refusal(text).code == "bad_request"


@pytest.mark.parametrize("kind", ["__class__", "chat.message", "websocket.disconnect", "turn.Start", ""])
def test_frame_is_refused_when_its_type_is_unknown(kind: str) -> None:
    error = refusal(json.dumps({"type": kind, "client_id": "c9"}))

    assert (error.code, error.client_id) == ("unknown_type", "c9")


def test_frame_is_refused_when_it_is_binary() -> None:
    assert refusal(None, b'{"type":"ping"}').code == "bad_request"
    assert refusal(None, None).code == "bad_request"


@pytest.mark.parametrize("letter", ["a", "ש"])
def test_frame_is_refused_when_it_is_over_64_kib(letter: str) -> None:
    room = 64 * 1024 - len(json.dumps({"type": "ping", "pad": ""}))
    fitting = room // len(letter.encode())

    assert parse(json.dumps({"type": "ping", "pad": letter * fitting}, ensure_ascii=False)) == Ping()
    longer = json.dumps({"type": "ping", "pad": letter * (fitting + 1)}, ensure_ascii=False)
    assert refusal(longer).code == "too_large"


@pytest.mark.parametrize(
    "value",
    [
        {"$ne": None},
        [1],
        True,
        -1,
        10**30,
        1.5,
        "",
        "../x",
        "x" * 200,
        "{" + ID + "}",
        ID + "\n",
        "urn:uuid:" + ID,
    ],
)
def test_frame_is_refused_when_an_id_is_no_uuid(value: object) -> None:
    for frame in (
        {"type": "turn.cancel", "message": value},
        {"type": "conversation.watch", "conversation": value},
    ):
        assert refusal(json.dumps(frame)).code == "bad_request"
    assert refusal(start(conversation=value)).code == "bad_request"
    assert refusal(start(attachments=[value])).code == "bad_request"


@pytest.mark.parametrize("value", [-1, 2**63, 2**31, "5", True, 1.0, 1e309, [], {}])
def test_resume_is_refused_when_after_is_no_small_whole_number(value: object) -> None:
    frame = json.dumps({"type": "turn.resume", "message": ID, "after": value}).replace("Infinity", "1e309")

    assert refusal(frame).code == "bad_request"
    assert refusal(json.dumps({"type": "ack", "message": ID})).code == "bad_request"


@pytest.mark.parametrize("value", [None, "", " ", "a b", "é", "x" * 81, 5, True, ["a"], "a\u0000"])
def test_start_is_refused_when_the_client_id_is_not_short_and_printable(value: object) -> None:
    error = refusal(start(client_id=value))

    assert (error.code, error.client_id) == ("bad_request", None)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"text": None}, "bad_request"),
        ({"text": 5}, "bad_request"),
        ({"text": ["Hi"]}, "bad_request"),
        ({"text": ""}, "empty"),
        ({"text": " \n\t\u0007 "}, "empty"),
        ({"text": "x" * 8001}, "too_long"),
        ({"text": "a\ud800b"}, "bad_text"),
        ({"assistant": None}, "bad_request"),
        ({"assistant": "../admin"}, "bad_request"),
        ({"assistant": 5}, "bad_request"),
        ({"attachments": "x"}, "bad_request"),
        ({"attachments": [ID] * 11}, "bad_request"),
    ],
)
def test_start_is_refused_with_its_client_id_when_a_field_is_wrong(
    changes: dict[str, object], code: str
) -> None:
    error = refusal(start(**changes))

    assert (error.code, error.client_id) == (code, "c1")
    assert str(error.user_message)


def test_text_is_kept_when_it_is_as_long_as_allowed_and_counted_in_code_points() -> None:
    frame = parse(json.dumps(json.loads(start(text="😀" * 8000)), ensure_ascii=False))

    assert isinstance(frame, TurnStart)
    assert frame.text == "😀" * 8000
    with pytest.raises(ProtocolError):
        parse(start(text="abcd"), max_chars=3)


def test_text_loses_control_characters_but_not_lines_and_tabs() -> None:
    frame = parse(start(text=" a\u0000\u001b]0;x\u0007\r\nb\tc\rd\u0085\u009b "))

    assert isinstance(frame, TurnStart)
    assert frame.text == "a]0;x\nb\tc\nd"


def test_last_value_counts_when_a_key_is_repeated() -> None:
    assert parse('{"type":"pong","type":"ping"}') == Ping()


@given(
    st.recursive(st.none() | st.booleans() | st.floats() | st.integers() | st.text(), st.lists, max_leaves=5)
)
def test_anything_else_is_refused_and_nothing_worse_when_it_is_a_field(value: object) -> None:
    for name in ("text", "client_id", "conversation", "assistant", "parent", "attachments", "type"):
        with suppress(ProtocolError):
            parse(start(**{name: value}))


def test_event_is_a_dict_and_a_frame_when_it_is_sent() -> None:
    event = ReplyDelta(ID, 1, "שלום 😀")

    assert event.to_dict() == {"type": "reply.delta", "message": ID, "seq": 1, "text": "שלום 😀"}
    assert json.loads(event.to_json()) == event.to_dict()
    assert Pong().to_json() == '{"type":"pong"}'


def test_null_fields_are_sent_and_optional_ones_left_out_when_there_is_nothing() -> None:
    accepted = TurnAccepted("c", ID, ID, ID, "Hi", None)

    assert accepted.to_dict()["parent"] is None
    assert "client_id" not in ErrorEvent("bad_request", "x").to_dict()
    assert ErrorEvent("bad_request", "x", "c").to_dict()["client_id"] == "c"


def test_finish_carries_notice_and_nearest_when_nothing_was_found() -> None:
    usage = events.UsageItem(prompt_tokens=1, completion_tokens=0, cached_tokens=0)
    timings = events.TimingsItem(
        queued_s=0.1, retrieval_s=None, first_token_s=None, total_s=0.2, tokens_per_s=None
    )

    finish = ReplyFinish(ID, 0, "no_answer", "", [], [], usage, timings, "extractive", "none", "done")

    assert finish.to_dict()["notice"] == ""
    assert finish.to_dict()["nearest"] == []
    assert json.loads(finish.to_json())["usage"]["prompt_tokens"] == 1


# --- the page ----------------------------------------------------------------------------------------


def documented(heading: str) -> dict[str, list[str]]:
    """Rows of the first table under a heading: first cell → names in the second."""
    section = DOC.read_text(encoding="utf-8").split(heading, 1)[1].split("\n#", 1)[0]
    rows = re.findall(r"^\| (.+?) \| (.+?) \|$", section, re.M)[2 if "---" not in section else 1 :]
    return {
        first.strip("`"): re.findall(r"`([^`]+)`", second) for first, second in rows if "---" not in first
    }


def documented_codes() -> set[str]:
    """The codes of the page's error table."""
    return set(documented("## Error codes"))


def test_page_names_every_frame_with_its_fields() -> None:
    written = {
        frame.type: {item.name + ("" if item.default is MISSING else "?") for item in fields(frame)}
        for frame in FRAMES
    }

    assert {kind: set(names) for kind, names in documented("## Frames").items()} == written


def test_page_names_every_event_with_its_fields_in_order() -> None:
    written = {
        event.type: [item.name + ("?" if item.name in event.omitted else "") for item in fields(event)]
        for event in EVENTS
    }

    assert documented("## Events") == written
    assert set(events.Event.__subclasses__()) >= set(EVENTS)


def test_page_names_every_nested_value_with_its_fields_in_order() -> None:
    shapes = {
        "an item of `sources": events.SourceItem,
        "an item of `attachments": events.AttachmentItem,
        "an item of `nearest": events.NearestItem,
        "an item of `blocks": events.BlockItem,
        "an item of `citations": events.CitationItem,
        "an item of `grounding": events.GroundingItem,
        "approved": events.ApprovedItem,
        "usage": events.UsageItem,
        "timings": events.TimingsItem,
    }

    written = {
        name: [key + ("?" if "NotReq" in str(kind) else "") for key, kind in shape.__annotations__.items()]
        for name, shape in shapes.items()
    }

    assert documented("### Values inside events") == written


def test_page_names_every_code_of_the_error_tree() -> None:
    tree: list[type[errors.ChatError]] = [errors.ChatError, *errors.ChatError.__subclasses__()]

    assert documented_codes() == {error.code for error in tree} | {"unknown_type", "too_large", "bad_text"}
