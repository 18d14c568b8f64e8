"""Where a collection draws the line: from golden questions or its own sentences, or as a person chose."""

import pytest
from django.contrib.auth.models import AnonymousUser
from django.test import Client

from jobs import queue as job_queue
from jobs import worker
from jobs.models import Job, JobState
from knowledge import calibration, risk
from knowledge.models import Calibration, Collection, Expectation, GoldenQuestion, Measured
from knowledge.retrieval import search
from knowledge.risk import Point
from tests.knowledge.factories import make_collection, make_document

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_stores")]
GUEST = AnonymousUser()
TEXTS = (
    "You may return a parcel within thirty days of its delivery to your home.",
    "The boiler must be serviced every second year by a trained engineer.",
    "Members of the library borrow up to twelve books for a period of three weeks.",
    "The night bus to the harbour leaves from the northern gate every forty minutes.",
)


@pytest.fixture
def filled(collection: Collection) -> Collection:
    for place, text in enumerate(TEXTS):
        make_document(collection, text, title=f"Sheet {place}", embedded=True)
    return collection


def address(collection: Collection) -> str:
    return f"/knowledge/{collection.slug}/answering/"


def ask_golden(collection: Collection) -> None:
    for number in range(calibration.ENOUGH):
        GoldenQuestion.objects.create(collection=collection, text=f"{TEXTS[number % 4]} {number}")
    for number in range(calibration.ENOUGH_REFUSALS):
        GoldenQuestion.objects.create(
            collection=collection,
            text=f"Who won the chess championship of {1950 + number}?",
            expectation=Expectation.REFUSE,
        )


def test_collection_without_golden_questions_is_measured_from_its_own_sentences(filled: Collection) -> None:
    made = calibration.calibrate(filled)

    assert made.source == Measured.MADE
    assert made.absent == len(TEXTS)
    assert made.threshold == 0.0  # what public sets say, until there is something better
    refused = [point["refused"] for point in made.points]
    assert refused == sorted(refused)


def test_made_questions_are_asked_without_their_document(filled: Collection) -> None:
    calibration.calibrate(filled)

    assert search(TEXTS[0], user=GUEST).is_answerable
    points = Calibration.objects.get().points
    assert points[-1]["refused"] > 0  # with their documents there, none would be


def test_enough_golden_questions_move_the_threshold(filled: Collection) -> None:
    ask_golden(filled)

    made = calibration.calibrate(filled)

    assert made.source == Measured.GOLDEN
    assert (made.answerable, made.absent) == (calibration.ENOUGH, calibration.ENOUGH_REFUSALS)
    assert made.threshold != 0.0
    kept = next(point["kept"] for point in made.points if point["threshold"] == made.threshold)
    assert kept >= calibration.KEEP


def test_search_draws_the_line_where_the_collection_does(filled: Collection) -> None:
    made = calibration.calibrate(filled)
    before = search(TEXTS[0], user=GUEST)

    Calibration.objects.filter(pk=made.pk).update(threshold=before.evidence + 0.1)

    after = search(TEXTS[0], user=GUEST)
    assert before.is_answerable
    assert not after.is_answerable
    assert after.confidence < 0.5 < before.confidence


def test_line_of_one_collection_does_not_move_another(filled: Collection) -> None:
    other = make_collection("Other")
    make_document(other, "Bees fly at dawn over the purple heather of the moor.", embedded=True)
    Calibration.objects.create(collection=other, threshold=99.0, made_at=filled.created_at)

    assert search(TEXTS[0], user=GUEST).is_answerable
    assert not search("Do bees fly at dawn over the purple heather?", user=GUEST).is_answerable


def test_point_chosen_by_a_person_stays_when_it_is_measured_again(filled: Collection) -> None:
    made = calibration.calibrate(filled)

    calibration.choose(made, 0.99)
    again = calibration.calibrate(filled)

    assert again.target == 0.99
    assert again.threshold == min(threshold for _target, threshold in risk.USUAL)


def test_changed_documents_or_golden_questions_have_it_measured_again(filled: Collection) -> None:
    calibration.calibrate(filled)
    calibration.sweep()
    assert not Job.objects.exists()

    GoldenQuestion.objects.create(collection=filled, text="Is it new?")
    calibration.sweep()
    calibration.sweep()

    assert Job.objects.get().kind == "calibrate"


def test_job_measures_the_collection_it_names(filled: Collection) -> None:
    calibration.queue(filled)
    job = job_queue.claim("background")
    assert job is not None

    worker.run(job)

    job.refresh_from_db()
    assert job.state == JobState.DONE
    assert Calibration.objects.get().collection == filled


def test_threshold_keeps_what_it_promises() -> None:
    scores = [float(number) for number in range(100)]

    threshold = risk.threshold_for(scores, 0.95)

    assert sum(score >= threshold for score in scores) == 95
    assert risk.refused_below(scores, threshold) == 0.05


def test_most_careful_point_is_taken_where_none_keeps_the_target() -> None:
    points = [Point(0.0, 0.9, 0.5), Point(1.0, 0.8, 0.7)]

    assert calibration.threshold_at(points, 0.95) == 0.0
    assert calibration.threshold_at(points, 0.75) == 1.0


def test_page_shows_the_curve_and_saves_a_point(alice: Client, filled: Collection) -> None:
    calibration.calibrate(filled)
    page = alice.get(address(filled)).content.decode()
    assert "<polyline" in page
    assert "Keeps 97 % of the questions that can be answered" in page

    alice.post(address(filled), {"target": "0.9000"})

    assert "Keeps 90 %" in alice.get(address(filled)).content.decode()
    assert Calibration.objects.get().threshold == 1.7


def test_page_refuses_a_point_that_was_not_measured(alice: Client, filled: Collection) -> None:
    made = calibration.calibrate(filled)

    response = alice.post(address(filled), {"target": "0.1234"}, follow=True)

    assert "That point was not measured" in response.content.decode()
    made.refresh_from_db()
    assert made.threshold == 0.0


def test_page_has_it_measured_once(alice: Client, filled: Collection) -> None:
    assert "Not measured yet" in alice.get(address(filled)).content.decode()

    alice.post(address(filled), {"measure": "1"})
    alice.post(address(filled), {"measure": "1"})

    assert Job.objects.filter(kind="calibrate").count() == 1


def test_page_is_for_managers_of_the_collection(bob: Client, filled: Collection) -> None:
    assert bob.get(address(filled)).status_code == 403
