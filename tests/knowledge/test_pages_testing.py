"""The retrieval test: what is found and why, as whom, in which release; kept as a golden question."""

import re

import pytest
from django.contrib.auth.models import Group
from django.test import Client

from chat.answering import TOP_K
from knowledge import ingest, retrieval_trial
from knowledge.models import Collection, Document, Expectation, GoldenQuestion, Origin, Visibility
from knowledge.releases import publishing
from knowledge.retrieval import search
from tests.knowledge.factories import make_collection
from tests.knowledge.people import NOBODYS, person, queue_one, text_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_stores")]
LAMP = "How many watts may the bulb of the lamp have?"


@pytest.fixture
def lamps(collection: Collection) -> Document:
    """A document that answers LAMP, among others that do not."""
    for number in range(5):
        read(
            collection,
            f"other-{number}.md",
            f"# Sheet {number}\n\nThe kettle number {number} is made of steel.",
        )
    return read(collection, "lamps.md", "# Lamps\n\nThe bulb of the lamp may have 28 watts. It is glass.")


def read(collection: Collection, name: str, text: str) -> Document:
    return ingest.ingest_now(queue_one(collection, name, text))


def ask(client: Client, collection: Collection, question: str, **more: str) -> str:
    parameters = {"q": question, **more}
    response = client.get(f"/knowledge/{collection.slug}/test/", parameters)
    assert response.status_code == 200
    return response.content.decode()


def plain(page: str) -> str:
    """The page without the marks in its passages."""
    return re.sub(r"</?(?:mark|span)[^>]*>", "", page)


def test_a_question_shows_passages_with_their_words_and_the_way_to_the_chunk(
    alice: Client, collection: Collection, lamps: Document
) -> None:
    page = ask(alice, collection, LAMP)

    first = page.partition('<span class="hit-n">1</span>')[2].partition("</article>")[0]
    chunk = lamps.chunks.get()
    assert f"/knowledge/documents/{lamps.pk}/?chunk={chunk.pk}#chunk-{chunk.pk}" in first
    assert '<mark class="best">bulb</mark>' in first
    assert "chunk 1" in first
    assert "Would be answered" in page


def test_what_the_model_never_sees_stands_below_the_cut_off(
    alice: Client, collection: Collection, lamps: Document
) -> None:
    page = ask(alice, collection, LAMP)

    above, _line, below = page.partition("Below the cut-off")
    assert above.count('class="hit-n"') == TOP_K == retrieval_trial.SHOWN_TO_MODEL
    assert below.count('class="hit-n"') >= 1


def test_a_question_the_documents_know_nothing_about_would_be_refused(
    alice: Client, collection: Collection, lamps: Document
) -> None:
    page = ask(alice, collection, "Who composed the opera Tosca?")

    assert "Would be refused" in page
    assert 'class="hit-n"' not in page.partition("Below the cut-off")[0]


def test_the_parts_of_a_score_add_up_to_it(collection: Collection, lamps: Document) -> None:
    for previous in ("", "What is the lamp made of?"):
        result = search(LAMP, user=person(f"dora{len(previous)}"), previous=previous)
        for passage in result.passages:
            parts = passage.parts
            assert parts.meaning + parts.words + parts.previous + parts.sentence == pytest.approx(
                passage.score
            )
            assert bool(parts.previous > 1e-9) <= bool(previous)
    assert result.passages[0].parts.sentence > 0


def test_the_draft_the_published_and_an_older_release_are_asked(
    alice: Client, collection: Collection, lamps: Document
) -> None:
    publishing.publish(collection, by=None)
    read(collection, "torches.md", "# Torches\n\nThe torch runs for nine hours.")
    question = "How many hours does the torch run?"

    assert "torches.md" not in ask(alice, collection, question, scope="live")
    assert "Torches" in ask(alice, collection, question, scope="draft")
    publishing.publish(collection, by=None)
    assert "Torches" in ask(alice, collection, question, scope="live")
    assert "Torches" not in ask(alice, collection, question, scope="1")
    assert "Torches" in ask(alice, collection, question, scope="77")


def test_the_question_is_asked_as_a_guest_or_as_a_group(alice: Client) -> None:
    team, others = (Group.objects.create(name=name) for name in ("Team", "Others"))
    inner = make_collection("inner", Visibility.GROUPS)
    inner.readers.add(team)
    read(inner, "lamps.md", "The bulb of the lamp may have 28 watts.")

    for reader, may_read in (("", True), ("guest", False), ("signed-in", False)):
        assert ("28 watts" in plain(ask(alice, inner, LAMP, **{"as": reader}))) is may_read
    assert "28 watts" in plain(ask(alice, inner, LAMP, **{"as": f"group-{team.pk}"}))
    page = plain(ask(alice, inner, LAMP, **{"as": f"group-{others.pk}"}))
    assert "28 watts" not in page
    assert "may not read these documents" in page
    assert "28 watts" not in plain(ask(alice, inner, LAMP, **{"as": "group-999999"}))


def test_strangers_test_nothing(bob: Client, collection: Collection, lamps: Document) -> None:
    url = f"/knowledge/{collection.slug}/test/"

    assert bob.get(url, {"q": LAMP}).status_code == 403
    assert Client().get(url).status_code == 302
    group = Group.objects.create(name="Team of mine")
    make_collection("mine").managers.add(group)
    person("emil").groups.add(group)
    emil = Client()
    emil.force_login(group.user_set.get())
    assert emil.get(url, {"q": LAMP}).status_code == 404
    assert emil.post(f"{url}keep/", {"q": LAMP, "expect": "refuse"}).status_code == 404
    page = plain(text_of(emil, f"/knowledge/test/?q={LAMP}&as=signed-in"))
    assert "28 watts" not in page


def test_all_collections_one_manages_are_asked_together(
    alice: Client, collection: Collection, lamps: Document, private: Collection
) -> None:
    read(private, "bulbs.md", "Bulbs of the old lamp have 60 watts.")

    page = text_of(alice, f"/knowledge/test/?q={LAMP}")

    assert "28 watts" in plain(page)
    assert "60 watts" in plain(page)
    assert f"/knowledge/{private.slug}/test/?q=" in page


def keep(client: Client, collection: Collection, **data: str) -> str:
    response = client.post(f"/knowledge/{collection.slug}/test/keep/", data, follow=True)
    return response.content.decode()


def test_a_question_is_kept_with_the_document_it_must_find(
    alice: Client, collection: Collection, lamps: Document
) -> None:
    page = keep(alice, collection, q=LAMP, expect=str(lamps.pk), back="q=lamp&scope=draft")

    question = GoldenQuestion.objects.get()
    assert (question.text, question.document, question.origin) == (LAMP, lamps, Origin.TEST)
    assert question.expectation == Expectation.FIND
    assert question.language == "en"
    assert question.created_by is not None
    assert "Kept as a golden question." in page
    assert "expected" in ask(alice, collection, LAMP).partition("hit-n")[2]


def test_a_hebrew_question_is_kept_as_one_to_be_refused_and_only_once(
    alice: Client, collection: Collection, lamps: Document
) -> None:
    question = "מי ניצח בגביע?"

    keep(alice, collection, q=question, expect="refuse", previous="מה עם הנורה?")
    page = keep(alice, collection, q=f"  {question} ", expect="refuse")

    (kept,) = GoldenQuestion.objects.all()
    assert (kept.expectation, kept.document, kept.language) == (Expectation.REFUSE, None, "he")
    assert "The golden question was changed." in page


@pytest.mark.parametrize("expect", ["", "nonsense", NOBODYS])
def test_nothing_is_kept_without_saying_what_must_come(
    alice: Client, collection: Collection, lamps: Document, expect: str
) -> None:
    page = keep(alice, collection, q=LAMP, expect=expect)

    assert "Choose the document that must be found" in page
    assert not GoldenQuestion.objects.exists()


def test_a_document_of_another_collection_cannot_be_expected(
    alice: Client, collection: Collection, lamps: Document, private: Collection
) -> None:
    keep(alice, private, q=LAMP, expect=str(lamps.pk))

    assert not GoldenQuestion.objects.exists()


def test_a_question_in_hebrew_marks_its_words(alice: Client, collection: Collection) -> None:
    read(collection, "אחריות.md", "# אחריות\n\nהאחריות על המכונה היא שנתיים מיום הקנייה.")

    page = ask(alice, collection, "כמה שנים האחריות על המכונה?")

    assert '<mark class="best">האחריות</mark>' in page
    assert 'dir="auto"' in page
