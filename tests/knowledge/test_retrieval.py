"""search(): who sees what, in which order, and what happens without the vector store."""

import pytest
from django.contrib.auth.models import AnonymousUser, Group

from accounts.models import User
from knowledge import index
from knowledge.models import Collection, Document, DocumentStatus, Visibility
from knowledge.retrieval import search
from knowledge.retrieval_types import SearchResult
from tests.knowledge.factories import make_collection, make_document

pytestmark = pytest.mark.django_db
GUEST = AnonymousUser()


@pytest.fixture(autouse=True)
def _empty_index() -> None:
    for name in index.list_names():
        index.drop(Collection(pk=int(name.removeprefix("collection-"))))


def texts(result: SearchResult) -> list[str]:
    return [passage.text for passage in result.passages]


def test_search_puts_the_answering_passage_first_with_its_best_sentence() -> None:
    collection = make_collection()
    make_document(
        collection,
        "Lamps are sold in three colours.",
        "Parcels leave the store on the same day. You may return a parcel within 30 days of delivery.",
        "The store opens at nine.",
        title="Handbook",
        embedded=True,
    )

    result = search("How long can I return a parcel?", user=GUEST)

    best = result.passages[0]
    sentence = best.best_sentence
    assert sentence is not None
    assert best.text[sentence.start : sentence.end] == "You may return a parcel within 30 days of delivery."
    assert best.document_title == "Handbook"
    assert result.is_answerable
    assert not result.is_partial
    assert all(0 <= passage.score <= 1 for passage in result.passages)
    assert all(0 <= s.score <= 1 for passage in result.passages for s in passage.sentences)


def test_search_finds_by_meaning_what_shares_no_word() -> None:
    collection = make_collection()
    make_document(collection, "Physicians are on duty at night.", "We sell red lamps.", embedded=True)

    result = search("doctor available in the evening", user=GUEST)

    assert texts(result)[0] == "Physicians are on duty at night."


def test_search_says_so_when_nothing_answers() -> None:
    collection = make_collection()
    make_document(collection, "Lamps are sold in three colours.", "The store opens at nine.", embedded=True)

    result = search("Who composed the ninth symphony?", user=GUEST)

    assert not result.is_answerable


def test_search_returns_nothing_without_a_readable_collection() -> None:
    make_document(make_collection(visibility=Visibility.SIGNED_IN), "Lamps are red.", embedded=True)

    result = search("lamps", user=GUEST)

    assert result == SearchResult((), 0.0, is_answerable=False)


def test_search_never_leaves_what_the_reader_may_read() -> None:
    bob = User.objects.create_user("bob", "bob@example.org", "x")
    staff = Group.objects.create(name="staff")
    secret = make_collection("secret", Visibility.GROUPS)
    secret.readers.add(staff)
    make_document(secret, "The secret lamp is red.", embedded=True)
    make_document(make_collection("open"), "The open lamp is blue.", embedded=True)

    asked_for_secret = search("lamp", user=bob, collections=Collection.objects.filter(slug="secret"))
    before = search("lamp", user=bob)
    bob.groups.add(staff)
    after = search("lamp", user=User.objects.get(pk=bob.pk))

    assert texts(asked_for_secret) == []
    assert texts(before) == ["The open lamp is blue."]
    assert set(texts(after)) == {"The open lamp is blue.", "The secret lamp is red."}


def test_search_keeps_to_the_asked_collections() -> None:
    make_document(make_collection("one"), "The first lamp is red.", embedded=True)
    make_document(make_collection("two"), "The second lamp is blue.", embedded=True)

    result = search("lamp", user=GUEST, collections=Collection.objects.filter(slug="two"))

    assert texts(result) == ["The second lamp is blue."]


@pytest.mark.parametrize(
    "change",
    [{"status": DocumentStatus.DELETING}, {"is_disabled": True}, {"version": 2}],
    ids=["deleting", "switched off", "older version"],
)
def test_search_checks_every_chunk_against_the_database(change: dict[str, object]) -> None:
    document = make_document(make_collection(), "The lamp is red.", embedded=True)
    Document.objects.filter(pk=document.pk).update(**change)

    assert search("lamp", user=GUEST).passages == ()


@pytest.mark.parametrize("status", [DocumentStatus.FAILED, DocumentStatus.EMBEDDING])
def test_the_version_before_answers_while_a_newer_file_is_read_or_failed(status: DocumentStatus) -> None:
    document = make_document(make_collection(), "The lamp is red.", embedded=True)
    Document.objects.filter(pk=document.pk).update(status=status)

    assert texts(search("lamp", user=GUEST)) == ["The lamp is red."]


def test_search_ignores_vectors_of_another_collection_in_the_wrong_place() -> None:
    mine, other = make_collection("mine"), make_collection("other", Visibility.SIGNED_IN)
    make_document(mine, "The lamp is red.", embedded=True)
    foreign = make_document(other, "The chair is green.", embedded=True)
    keys = list(foreign.chunks.values_list("key", flat=True))
    index.upsert(mine, keys, index_vectors(other, keys))

    assert texts(search("green chair", user=GUEST)) == ["The lamp is red."]


def index_vectors(collection: Collection, keys: list[str]):  # type: ignore[no-untyped-def]
    import numpy as np

    vectors = index.get_vectors(collection, keys)
    return np.stack([vectors[key] for key in keys])


def test_search_goes_by_words_alone_when_the_vector_store_is_away(
    settings: pytest.FixtureRequest, unused_tcp_port: int
) -> None:
    make_document(make_collection(), "The lamp is red.", "The chair is green.", embedded=True)
    index.close()
    settings.CHROMA_URL = f"http://127.0.0.1:{unused_tcp_port}"  # type: ignore[attr-defined]
    try:
        result = search("lamp", user=GUEST)
    finally:
        index.close()

    assert texts(result)[0] == "The lamp is red."
    assert result.is_partial


def test_follow_up_is_understood_by_the_turn_before() -> None:
    collection = make_collection()
    make_document(
        collection,
        "The lamp costs 20 euros and comes in red.",
        "The chair costs 90 euros and comes in green.",
        embedded=True,
    )

    result = search("How much does it cost?", user=GUEST, previous="Tell me about the chair in green.")

    assert texts(result)[0].startswith("The chair")


@pytest.mark.parametrize("question", ["", "   ", "?!", "\0", "a" * 20_000, '"(OR NEAR) AND col:*'])
def test_search_survives_any_question(question: str) -> None:
    make_document(make_collection(), "The lamp is red.", embedded=True)

    search(question, user=GUEST)


def test_a_follow_up_about_something_else_is_not_vouched_for_by_the_question_before() -> None:
    collection = make_collection()
    make_document(
        collection,
        "אפשר להחזיר כל מכשיר בתוך 30 יום מהמסירה.",
        "המשלוח הביתה עולה 4.90 אירו.",
        title="החזרות",
    )
    before = "תוך כמה ימים אפשר להחזיר מכשיר?"

    assert search(before, user=GUEST).is_answerable
    assert search("וכמה עולה המשלוח?", user=GUEST, previous=before).is_answerable
    assert not search("מי ניצח במונדיאל 1998?", user=GUEST, previous=before).is_answerable


def test_a_question_between_other_sentences_is_answered_as_if_asked_alone() -> None:
    make_document(
        make_collection(),
        "You may return a parcel within 30 days of delivery.",
        "The store opens at nine and closes at six.",
        "Lamps are sold in three colours.",
        embedded=True,
    )
    told = (
        "My grandmother bought velvet curtains near Lisbon harbour, and the tailor shortened them. "
        "Meanwhile her neighbours painted their kitchen cupboards yellow, which nobody expected. "
    )

    alone = search("Within how many days may I return a parcel after delivery?", user=GUEST)
    among = search(told + "Within how many days may I return a parcel after delivery?", user=GUEST)

    assert alone.is_answerable
    assert among.is_answerable
    assert among.evidence > 0.6 * alone.evidence
    assert not search(told + "Who composed the ninth symphony?", user=GUEST).is_answerable


def test_the_code_asked_for_decides_between_rows_that_differ_in_it_alone() -> None:
    collection = make_collection()
    for subject in ("Returns", "Delivery", "Payment", "Privacy", "Gift cards", "Recycling"):
        make_document(collection, f"This page is about {subject.lower()} and nothing else.", title=subject)
    make_document(
        collection,
        "Code: E7; Meaning: Fault in the electronics.\nCode: E3; Meaning: The machine is too hot.",
        title="Fault codes",
    )

    passage = search("What does fault code E3 mean?", user=GUEST).passages[0]

    best = passage.best_sentence
    assert best is not None
    assert "too hot" in passage.text[best.start : best.end]
