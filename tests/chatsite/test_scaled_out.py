"""The main job on the scaled-out site: the commands of docker-compose.yml, and what they survive."""

from collections.abc import Iterator

import pytest

from tests.client import Person, Reply
from tests.compose import ScaledOut
from tests.postgres import needs_postgres
from tests.services import needs_redis
from tests.site import PASSWORD, wait_until

pytestmark = [needs_postgres, needs_redis, pytest.mark.timeout(240), pytest.mark.xdist_group("scaled-out")]

HANDBOOK = """# Lantern rental

## Deposit

The deposit for a Halvorsen storm lantern is 47 euros and is paid back within nine days of its return.
"""


@pytest.fixture(scope="module")
def scaled_out() -> Iterator[ScaledOut]:
    site = ScaledOut(ENGINE="extractive", RATE_LIMITS="off", PACED_TOKENS="120", PACED_TOKENS_PER_S="20")
    try:
        site.start()
        site.finish("seed", site.manage("seed"))
        yield site
    except RuntimeError as exc:
        raise RuntimeError(site.logs()) from exc
    finally:
        site.stop()


@pytest.fixture(autouse=True)
def _logs_of_a_failure(scaled_out: ScaledOut) -> Iterator[None]:
    yield
    print(scaled_out.logs())  # noqa: T201 - shown only when the test fails


@pytest.fixture
def admin(scaled_out: ScaledOut) -> Iterator[Person]:
    person = Person(scaled_out.url)
    person.sign_in("admin", PASSWORD)
    yield person
    person.close()


def read_until(person: Person, reply: Reply, deltas: int) -> None:
    for _event in person.read(reply):
        if reply.deltas >= deltas:
            return


def read_to_end(person: Person, reply: Reply) -> None:
    for _event in person.read(reply, timeout_s=90):
        pass


def assert_one_whole_answer(person: Person, reply: Reply) -> None:
    finish = reply.events[-1]
    assert finish["type"] == "reply.finish"
    assert finish["finish_reason"] == "stop"
    assert finish["text"] == reply.text
    assert person.replay(reply.message).text == reply.text


def test_uploaded_document_is_cited_a_moment_later(scaled_out: ScaledOut, admin: Person) -> None:
    scaled_out.use_engine("extractive")
    document = admin.upload("handbook", "lanterns.md", HANDBOOK.encode())
    wait_until(lambda: is_ready(admin, document), "the document to be ready", 60)

    reply = admin.answer("support", "How much is the deposit for a Halvorsen storm lantern?")

    assert_one_whole_answer(admin, reply)
    assert "47 euros" in reply.text
    assert reply.deltas >= 1
    assert document in {source["document"] for source in reply.last("reply.sources")["sources"]}
    assert document in {citation["document"] for citation in reply.events[-1]["citations"]}


def test_reply_is_finished_by_another_worker_when_its_own_is_killed(
    scaled_out: ScaledOut, admin: Person
) -> None:
    scaled_out.use_engine("paced")
    reply = admin.ask("support", "How long does delivery take?")
    read_until(admin, reply, deltas=20)
    read = reply.text

    scaled_out.processes["worker-inference"].kill()
    scaled_out.launch("worker-inference")
    read_to_end(admin, reply)

    assert_one_whole_answer(admin, reply)
    assert reply.text.startswith(read)
    assert "reply.snapshot" not in [event["type"] for event in reply.events]
    assert len(reply.text.split()) == 120  # as long as if nobody had died


def test_reply_survives_a_restart_of_redis(scaled_out: ScaledOut, admin: Person) -> None:
    scaled_out.use_engine("paced")
    reply = admin.ask("support", "How long does delivery take?")
    read_until(admin, reply, deltas=20)

    scaled_out.processes["redis"].kill()
    scaled_out.launch("redis")
    read_to_end(admin, reply)

    assert_one_whole_answer(admin, reply)
    scaled_out.processes["worker-inference"].check_running()  # it must not need to be restarted as well
    assert_one_whole_answer(admin, admin.answer("support", "How long does delivery take?"))


def is_ready(person: Person, document: str) -> bool:
    page = person.http.get(f"/knowledge/documents/{document}/").raise_for_status().text
    assert "pill-none" not in page, page
    return "pill-ok" in page
