"""What no database takes and nobody can see: in files, questions, edits and addresses."""

import json
from collections.abc import Callable

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client

from knowledge.models import Collection
from tests.knowledge.people import text_of
from tests.knowledge.test_accidents import read

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("own_stores")]


def golden_file(*lines: str) -> SimpleUploadedFile:
    return SimpleUploadedFile("golden.jsonl", "\n".join(lines).encode())


@pytest.mark.parametrize(
    "line",
    ["[" * 200_000, '{"question": ' + "[" * 100_000, '{"question": "\\u0000", "unanswerable": true}', "[]"],
    ids=["deep", "deep-value", "only-nul", "list"],
)
def test_a_golden_file_with_a_line_that_is_no_question_names_the_line(
    alice: Client, collection: Collection, line: str
) -> None:
    good = json.dumps({"question": "Is this fine?", "unanswerable": True})

    page = alice.post(
        f"/knowledge/{collection.slug}/golden/import/", {"file": golden_file(good, line)}, follow=True
    )

    assert "Line 2 of the file is not a golden question. Nothing was added." in page.content.decode()
    assert not collection.golden_questions.exists()


def test_a_golden_file_with_characters_that_no_database_takes_loses_them(
    alice: Client, collection: Collection
) -> None:
    bad = "\\ud800a\\u0000b"
    lines = (
        f'{{"question": "{bad}", "unanswerable": true, "history": [{{"role": "user", "text": "{bad}"}}]}}',
        f'{{"question": "Other?", "doc_id": "{bad}", "answers": ["{bad}"]}}',
    )

    page = alice.post(
        f"/knowledge/{collection.slug}/golden/import/", {"file": golden_file(*lines)}, follow=True
    )

    question = collection.golden_questions.get()
    assert (question.text, question.previous) == ("ab", "ab")
    assert "their documents are not here: ab" in page.content.decode()


def test_a_golden_file_of_too_many_lines_says_how_many_are_taken(
    alice: Client, collection: Collection
) -> None:
    line = json.dumps({"question": "x", "unanswerable": True})

    page = alice.post(
        f"/knowledge/{collection.slug}/golden/import/", {"file": golden_file(*[line] * 5001)}, follow=True
    )

    assert "5000 questions at most" in page.content.decode()


@pytest.mark.parametrize("name", ["q", "previous"])
def test_a_nul_in_a_kept_question_is_left_out(alice: Client, collection: Collection, name: str) -> None:
    values = {"q": "Kettles?", "expect": "refuse", name: "Kett\0les?"}

    alice.post(f"/knowledge/{collection.slug}/test/keep/", values)

    question = collection.golden_questions.get()
    assert "\0" not in question.text + question.previous


def test_an_edit_loses_the_characters_that_reading_loses(alice: Client, collection: Collection) -> None:
    document = read(collection)

    alice.post(
        f"/knowledge/documents/{document.pk}/chunks/{document.chunks.get().pk}/edit/",
        {"text": "Thirty\0 days\x07,\u200f <b>שלום</b>.\n\tTab."},
    )

    assert document.chunks.get(state="live").text == "Thirty days, <b>שלום</b>.\n\tTab."


def test_counts_of_a_chunk_with_an_endless_number_are_answered(alice: Client, collection: Collection) -> None:
    document = read(collection)

    text_of(alice, f"/review/cited/{document.pk}/counts/?chunks={10**30},1")


@pytest.mark.parametrize("text", ["\u200b", "\u200f", " \n"])
def test_a_golden_question_that_nobody_can_see_is_refused(
    alice: Client, collection: Collection, text: str
) -> None:
    page = alice.post(
        f"/knowledge/{collection.slug}/golden/new/", {"text": text, "expectation": "refuse"}
    ).content.decode()

    assert "Write a question." in page or "This field is required." in page
    assert not collection.golden_questions.exists()


@pytest.mark.parametrize(
    ("address", "values"),
    [
        ("/knowledge/?q=%00", None),
        ("/knowledge/documents/{document}/?q=%00", None),
        ("/knowledge/handbook/answers/?q=%00", None),
        ("/knowledge/bulk/", {"action": "disable", "all": "1", "q": "\0"}),
        ("/knowledge/bulk/", {"action": "disable", "all": "1", "collection": "\0"}),
        ("/knowledge/bulk/", {"action": "move", "confirmed": "1", "target": "\0", "document": "{document}"}),
    ],
)
def test_a_nul_in_what_is_looked_for_reaches_no_database(
    alice: Client, collection: Collection, address: str, values: dict[str, str] | None
) -> None:
    document = read(collection)
    address = address.format(document=document.pk)
    told: list[str] = []

    def note(execute: Callable[..., object], sql: str, values: object, *rest: object) -> object:
        told.append(repr(values))
        return execute(sql, values, *rest)

    with connection.execute_wrapper(note):
        if values is None:
            alice.get(address)
        else:
            alice.post(address, {key: text.format(document=document.pk) for key, text in values.items()})

    assert told
    assert not [values for values in told if "\\x00" in values]
