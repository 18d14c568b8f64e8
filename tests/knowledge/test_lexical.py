"""The word index, on both databases."""

import random

import pytest
from django.db import transaction

from knowledge import lexical
from knowledge.lexical_row import inverse_frequency
from knowledge.models import Chunk, Collection, Document
from knowledge.tokens import query_tokens
from tests.knowledge.factories import make_collection, make_document

pytestmark = pytest.mark.usefixtures("any_database")
WORDS = ["refund", "parcel", "return", "warranty", "battery", "charger", "lamp", "invoice", "voucher"]


def find(question: str, *collections: Collection, k: int = 10) -> list[str]:
    hits = lexical.search(query_tokens(question), [collection.pk for collection in collections], k)
    texts = dict(Chunk.objects.values_list("pk", "text"))
    return [texts[hit.chunk_id] for hit in hits]


def test_search_puts_the_chunk_with_the_rare_word_first() -> None:
    collection = make_collection()
    make_document(collection, "Returns are free.", "The warranty covers the battery.", "Returns take a week.")

    assert find("Does the warranty cover a return?", collection)[0] == "The warranty covers the battery."


@pytest.mark.parametrize(
    ("text", "question"),
    [
        ("המשלוח מגיע לביתכם תוך שבוע", "מתי מגיעים המשלוחים לבית?"),
        ("تصل الطرود إلى المنازل خلال أسبوع", "متى يصل الطرد إلى المنزل؟"),
        ("包裹一周内送达", "包裹什么时候送达？"),
        ("พัสดุมาถึงภายในหนึ่งสัปดาห์", "พัสดุจะมาถึงเมื่อไร"),
        ("पार्सल एक सप्ताह में पहुँचता है", "पार्सल कब पहुँचेगा?"),
    ],
)
def test_search_finds_inflected_words_in_many_scripts(text: str, question: str) -> None:
    collection = make_collection()
    make_document(collection, text, "Something else entirely.", "Nothing to see here.")

    assert find(question, collection) == [text]


def test_search_stays_inside_the_asked_collections() -> None:
    mine, other = make_collection("mine"), make_collection("other")
    make_document(mine, "The parcel is blue.")
    make_document(other, "The parcel is red.")

    assert find("parcel", mine) == ["The parcel is blue."]
    assert len(find("parcel", mine, other)) == 2
    assert find("parcel") == []


def test_search_ignores_a_word_that_looks_like_a_collection() -> None:
    mine, other = make_collection("mine"), make_collection("other")
    make_document(mine, f"Part c{other.pk} is in stock.")

    assert find("stock", other) == []


def test_remove_leaves_nothing_behind() -> None:
    collection = make_collection()
    document = make_document(collection, "The parcel is blue.")

    lexical.remove(document.chunks.all())

    assert find("parcel", collection) == []
    assert lexical.list_ids(collection.pk) == set()
    assert lexical.weigh(["parcel"])["parcel"] == lexical.weigh(["unheard"])["unheard"]


def test_remove_works_after_the_title_changed() -> None:
    collection = make_collection()
    document = make_document(collection, "It is blue.", title="Parcels")
    document.title = "Boxes"
    document.save()

    lexical.remove(document.chunks.select_related("document"))

    assert find("parcels", collection) == []


def test_add_replaces_what_was_indexed_under_the_same_id() -> None:
    collection = make_collection()
    document = make_document(collection, "The parcel is blue.")
    document.chunks.update(text="The invoice is red.")

    lexical.add(document.chunks.select_related("document"))

    assert find("parcel", collection) == []
    assert find("invoice", collection) == ["The invoice is red."]


def test_rolled_back_writes_are_not_found() -> None:
    collection = make_collection()

    with transaction.atomic():
        make_document(collection, "The parcel is blue.")
        transaction.set_rollback(True)

    assert lexical.list_ids(collection.pk) == set()
    assert find("parcel", collection) == []


def test_weigh_gives_most_to_words_no_document_has() -> None:
    collection = make_collection()
    make_document(collection, "The parcel is blue.", "The lamp is red.", "The store is open.")

    weights = lexical.weigh(["the", "parcel", "zeppelin"])

    assert 0 < weights["the"] < weights["parcel"] < weights["zeppelin"]


def test_both_databases_rank_alike() -> None:
    """The expected order is BM25 as written in a textbook, so agreeing with it is agreeing at all."""
    collection = make_collection()
    choose = random.Random(7)
    make_document(
        collection, *(" ".join(choose.choices(WORDS, k=choose.randint(4, 60))) for _ in range(60)), title="T"
    )
    tokens = query_tokens("warranty battery voucher")

    hits = lexical.search(tokens, [collection.pk], 60)

    expected = textbook_scores(tokens)
    assert [hit.chunk_id for hit in hits] == sorted(expected, key=lambda pk: (-expected[pk], pk))
    assert [hit.score for hit in hits] == pytest.approx([expected[hit.chunk_id] for hit in hits])


def textbook_scores(tokens: list[str]) -> dict[int, float]:
    rows = [lexical._row(chunk) for chunk in Chunk.objects.select_related("document")]
    average = sum(row.length for row in rows) / len(rows)
    held = {token: sum(token in row.counts for row in rows) for token in tokens}
    weights = {token: inverse_frequency(count, len(rows)) for token, count in held.items()}
    scores = {
        row.chunk_id: sum(
            weights[token]
            * row.counts[token]
            * 2.2
            / (row.counts[token] + 1.2 * (0.25 + 0.75 * row.length / average))
            for token in tokens
            if token in row.counts
        )
        for row in rows
    }
    return {pk: score for pk, score in scores.items() if score > 0}


def test_deleting_a_document_row_first_still_lets_its_words_go() -> None:
    collection = make_collection()
    document = make_document(collection, "The parcel is blue.")
    ids = list(document.chunks.values_list("pk", flat=True))
    Document.objects.filter(pk=document.pk).delete()

    lexical.remove_ids(ids)

    assert lexical.list_ids(collection.pk) == set()
