"""The queue is fair, chat goes first, and the places it tells are those in which jobs start."""

from collections import Counter

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pytest_django.fixtures import Settings

from jobs import queue, waiting
from jobs.models import Job

pytestmark = pytest.mark.django_db

OWNERS = ("u:1", "u:2", "u:3", "g:4")
EVENTS = st.lists(
    st.one_of(
        st.tuples(st.just("arrive"), st.sampled_from(OWNERS), st.sampled_from(["count", "count", "later"])),
        st.tuples(st.just("start"), st.just(""), st.just("")),
        st.tuples(st.just("end"), st.sampled_from(OWNERS), st.just("")),
    ),
    max_size=40,
)
on_one_database = hypothesis_settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


class Line:
    """The queue as a bystander sees it, who notes when somebody is overtaken."""

    def __init__(self) -> None:
        Job.objects.all().delete()
        self.waiting: list[Job] = []
        self.running: list[Job] = []
        self.share: dict[object, int] = {}  # job → other owners waiting when it became its owner's next
        self.overtaken: Counter[object] = Counter()

    def arrive(self, owner: str, kind: str) -> None:
        self.waiting.append(queue.enqueue(kind, owner, owner=owner))
        self._note_the_next()

    def start(self) -> Job | None:
        job = queue.claim("inference")
        if job is None:
            return None
        claimable = [one for one in self.waiting if not self._is_full(one.owner)]
        assert job.priority == min(one.priority for one in claimable)
        for one in self.waiting:
            is_due = one.pk in self.share and not self._is_full(one.owner)
            if is_due and one.owner != job.owner and one.priority == job.priority:
                self.overtaken[one.pk] += 1
        self.waiting = [one for one in self.waiting if one.pk != job.pk]
        self.running.append(job)
        self._note_the_next()
        return job

    def end(self, owner: str) -> None:
        job = next((one for one in self.running if one.owner == owner), None)
        if job is not None:
            queue.finish(job)
            self.running.remove(job)
            self._note_the_next()

    def _is_full(self, owner: str) -> bool:
        return any(one.owner == owner for one in self.running)

    def _note_the_next(self) -> None:
        for owner in OWNERS:
            for priority in (10, 90):
                mine = [one for one in self.waiting if (one.owner, one.priority) == (owner, priority)]
                if mine and not self._is_full(owner) and mine[0].pk not in self.share:
                    others = {one.owner for one in self.waiting if one.priority == priority} - {owner}
                    self.share[mine[0].pk] = len(others)


@given(events=EVENTS)
@on_one_database
def test_nobody_waits_longer_than_every_other_owner_once_whatever_arrives(
    events: list[tuple[str, str, str]], settings: Settings
) -> None:
    settings.MAX_REPLIES_PER_USER = 1
    line = Line()

    for what, owner, kind in events:
        match what:
            case "arrive":
                line.arrive(owner, kind)
            case "start":
                line.start()
            case _:
                line.end(owner)

    for job, times in line.overtaken.items():
        assert times <= line.share[job]


@given(
    arrivals=st.lists(st.tuples(st.sampled_from(OWNERS), st.sampled_from(["count", "later"])), max_size=10)
)
@on_one_database
def test_the_places_told_are_those_in_which_jobs_start(
    arrivals: list[tuple[str, str]], settings: Settings
) -> None:
    settings.MAX_REPLIES_PER_USER = 1
    line = Line()
    for owner, kind in arrivals:
        line.arrive(owner, kind)
    told = {one.pk: place.position for one in line.waiting if (place := waiting.position(one))}

    order = []
    while job := line.start():
        order.append(job.pk)
        line.end(job.owner)

    assert [told[pk] for pk in order] == list(range(1, len(arrivals) + 1))


def test_a_person_with_many_questions_does_not_hold_up_one_with_one(settings: Settings) -> None:
    settings.MAX_REPLIES_PER_USER = 5
    for number in range(60):
        queue.enqueue("count", f"a{number}", owner="u:1")
    queue.enqueue("count", "b", owner="u:2")

    order = []
    for _ in range(3):
        job = queue.claim("inference")
        assert job is not None
        order.append(job.subject)
        queue.finish(job)

    assert order == ["a0", "b", "a1"]


def test_newcomers_without_end_do_not_hold_up_who_was_served_before() -> None:
    queue.enqueue("count", "first", owner="u:1")
    served = queue.claim("inference")
    assert served is not None
    queue.finish(served)
    queue.enqueue("count", "second", owner="u:1")

    order = []
    for number in range(3):
        queue.enqueue("count", f"new{number}", owner=f"g:{number}")
        job = queue.claim("inference")
        assert job is not None
        order.append(job.subject)
        queue.finish(job)

    assert order[0] == "second"


def test_a_job_whose_worker_died_goes_before_all_others() -> None:
    queue.enqueue("count", "half", owner="u:1")
    assert queue.claim("inference") is not None
    queue.enqueue("count", "other", owner="u:2")
    queue.release_all_leases()
    queue.sweep()

    position = waiting.position(Job.objects.get(subject="half"))
    again = queue.claim("inference")

    assert position is not None
    assert position.position == 1
    assert again is not None
    assert again.subject == "half"
