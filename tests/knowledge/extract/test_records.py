"""JSON and JSON Lines: records that read well and can be found."""

from __future__ import annotations

import json

import pytest

from tests.knowledge.extract.conftest import Read, Refusal


def data(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def test_object_becomes_lines_of_keys_and_values(read: Read) -> None:
    result = read(
        b'{"name": "Caf\xc3\xa9 Uno", "open": true, "fax": null, "seats": 40, "fee": 1.50, '
        b'"tags": ["quiet", "wifi"], "address": {"city": "Haifa", "zip": "0312"}}',
        "cafe.json",
    )

    assert (result.title, result.format) == ("Café Uno", "json")
    assert [(section.heading, section.text) for section in result.sections] == [
        (
            (),
            "name: Café Uno\nopen: true\nseats: 40\nfee: 1.50\ntags: quiet, wifi\n"
            "address.city: Haifa\naddress.zip: 0312",
        )
    ]


def test_large_parts_of_an_object_have_headings(read: Read) -> None:
    value = {"intro": "Hi", "shipping": {"eu": {"days": "3"}, "us": {"days": "7", "by": {"air": "2"}}}}

    assert [(s.heading, s.text) for s in read(data(value), "a.json").sections] == [
        ((), "intro: Hi"),
        (("shipping",), "eu.days: 3"),
        (("shipping", "us"), "days: 7\nby.air: 2"),
    ]


def test_short_records_are_rows_of_one_table(read: Read) -> None:
    result = read(data([{"plant": "Beans", "month": "May"}, {"plant": "Leek", "month": "April"}]), "a.json")

    assert [section.text for section in result.sections] == [
        "plant: Beans; month: May\nplant: Leek; month: April"
    ]


def test_long_records_have_a_section_each_under_their_own_name(read: Read) -> None:
    long = "It opens at nine. " * 30
    value = [{"title": "Desk", "body": long}, {"body": f"{long}\n\nAnd closes."}]

    result = read(data(value), "a.json")

    assert [section.heading for section in result.sections] == [("Desk",), ("[2]",)]
    assert result.sections[1].text.endswith("\n\nAnd closes.")


def test_lines_are_records(read: Read) -> None:
    lines = b'{"q": "Where?", "a": "Here."}\r\n\r\n{"q": "When?", "a": "Now."}\n'

    for name in ("a.jsonl", "a.ndjson", "a.json"):
        assert [section.text for section in read(lines, name).sections] == [
            "q: Where?; a: Here.\nq: When?; a: Now."
        ]


def test_long_list_of_figures_is_shortened_and_said(read: Read) -> None:
    value = {"text": "Hello", "vector": [0.25] * 1536, "shape": [[1, 2], [3, 4]]}

    result = read(data(value), "a.json")

    assert result.warnings == ("numbers_shortened:1",)
    assert result.sections[0].text.count("0.25") == 50
    assert "… (1536)" in result.sections[0].text
    assert "shape: 1, 2, 3, 4" in result.sections[0].text


def test_figures_keep_every_digit(read: Read) -> None:
    result = read(b'{"id": 12345678901234567890123, "rate": 1.10, "big": ' + b"9" * 5000 + b"}", "a.json")

    assert "id: 12345678901234567890123\nrate: 1.10" in result.sections[0].text
    assert "9" * 5000 in result.sections[0].text


def test_no_word_of_a_large_list_is_lost(read: Read) -> None:
    result = read(data({"words": [f"word{number}" for number in range(5000)]}), "a.json")

    text = "\n".join(section.text for section in result.sections)
    assert all(f"word{number}" in text.split("words: ")[1].split() for number in (0, 1, 2500, 4999))


def test_file_in_another_encoding_is_read(read: Read) -> None:
    assert read('\ufeff{"k": "שלום"}'.encode("utf-16-le"), "a.json").sections[0].text == "k: שלום"


@pytest.mark.parametrize(
    ("content", "name", "line"),
    [
        (b'{"a": 1,\n "b": }', "a.json", 2),
        (b'{"a": 1', "a.json", 1),
        (b"   \n ", "a.json", 2),
        (b'{"a": 1} trailing', "a.json", 1),
        (b'{"a": 1}\n{"b": 2}\n{"c"\n', "a.jsonl", 3),
        (b'{"a": 1}\n{"b": 2}\n{"c"\n', "a.json", 3),
        (b"plain words", "a.jsonl", 1),
    ],
)
def test_malformed_file_names_its_line(refusal: Refusal, content: bytes, name: str, line: int) -> None:
    error = refusal(content, name)

    assert (error.code, error.params.get("line")) == ("corrupt", line)
    assert error.user_message.startswith(f"Line {line} of this file is not valid JSON.")


@pytest.mark.parametrize(
    ("content", "name", "code"),
    [
        (b"[" * 100_000, "a.json", "too_complex"),
        (b'{"a":' * 300 + b"1" + b"}" * 300, "a.json", "too_complex"),
        (b"[" * 300 + b"1" + b"]" * 300, "a.jsonl", "too_complex"),
        (b"{}", "a.json", "no_text"),
        (b"[[], {}, null]", "a.json", "no_text"),
        (b"\n\n", "a.jsonl", "no_text"),
        (b"", "a.json", "empty_file"),
        (b"<!doctype html><p>Not found</p>", "a.json", "type_mismatch"),
        (b"%PDF-1.7\n", "a.jsonl", "type_mismatch"),
        (bytes(range(256)) * 20, "a.json", "type_mismatch"),
        (b'["' + b"a" * 12_500_000 + b'"]', "a.json", "too_large"),
    ],
)
def test_file_that_cannot_be_read_says_why(refusal: Refusal, content: bytes, name: str, code: str) -> None:
    assert refusal(content, name).code == code
