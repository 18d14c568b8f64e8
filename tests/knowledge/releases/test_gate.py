"""The gate: which drafts it lets through, which it holds and why, and how it is overridden."""

import pytest

from jobs import worker
from jobs.models import Job, JobState
from knowledge import index, lexical, versions
from knowledge.editing import edit_chunk, switch_chunk
from knowledge.errors import DraftChanged, GateHeld
from knowledge.models import Collection, GoldenRun
from knowledge.releases import gate, publishing, trial
from knowledge.releases.changes import ChangeKind, changes
from knowledge.releases.gate import Standing, publish_checked, state_of
from knowledge.retrieval import search
from tests.environment import ROOT
from tests.knowledge.releases.shop import (
    DELIVERY,
    GUEST,
    HEBREW,
    RETURNS,
    add,
    make_shop,
    must_find,
    must_refuse,
    publish,
    reasons,
    replace,
    try_draft,
)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("own_stores")]
DEMO = ROOT / "chatsite" / "demo"
QUESTION = "How long can a kettle be returned?"
REWORDED = RETURNS.replace("thirty days", "sixty days")


def standing(collection: Collection) -> Standing:
    return state_of(Collection.objects.select_related("release").get(pk=collection.pk)).standing


def test_a_first_release_is_published_after_it_was_tried() -> None:
    shop = make_shop(RETURNS, DELIVERY)
    must_find(shop.documents.get(name="file0.md"), QUESTION, "thirty days")
    must_refuse(shop, "Who won the chess world championship in 1972?")
    assert standing(shop) is Standing.UNTRIED
    with pytest.raises(GateHeld):
        publish_checked(shop, by=None)

    assert reasons(try_draft(shop)) == []
    release = publish_checked(shop, by=None)

    assert (release.number, release.override_reason) == (1, "")
    assert standing(shop) is Standing.PUBLISHED
    assert search(QUESTION, user=GUEST).passages[0].release == 1


def test_a_draft_that_answers_as_well_goes_live() -> None:
    shop = publish(make_shop(RETURNS, DELIVERY))
    must_find(shop.documents.get(name="file0.md"), QUESTION)
    replace(shop.documents.get(name="file0.md"), REWORDED)

    run = try_draft(shop)

    assert reasons(run) == []
    assert publish_checked(shop, by=None).number == 2
    assert "sixty" in search(QUESTION, user=GUEST).passages[0].text


def test_a_golden_question_that_got_worse_holds_the_draft() -> None:
    shop = publish(make_shop(RETURNS, DELIVERY, HEBREW))
    must_find(shop.documents.get(name="file2.md"), "כמה זמן יש אחריות על קומקום חשמלי?", "שנתיים")
    versions.enable_document(shop.documents.get(name="file2.md"), is_on=False)

    run = try_draft(shop)

    assert "golden_worse" in reasons(run)
    assert standing(shop) is Standing.HELD
    with pytest.raises(GateHeld):
        publish_checked(shop, by=None)


def test_a_question_that_must_be_refused_and_is_answered_holds_the_draft() -> None:
    shop = publish(make_shop(RETURNS, DELIVERY))
    must_refuse(shop, "Which planets does the planetarium show?")
    add(shop, "stars.md", "# Stars\n\nThe planetarium shows the planets Jupiter and Saturn.\n")

    assert "golden_worse" in reasons(try_draft(shop))


def test_a_held_draft_goes_live_with_a_reason_that_is_kept() -> None:
    shop = publish(make_shop(RETURNS, DELIVERY))
    must_find(shop.documents.get(name="file0.md"), QUESTION)
    versions.enable_document(shop.documents.get(name="file0.md"), is_on=False)
    try_draft(shop)

    release = publish_checked(shop, by=None, override_reason="Kettles are not sold any more.")

    assert release.override_reason == "Kettles are not sold any more."
    assert not any(passage.document_name == "file0.md" for passage in search(QUESTION, user=GUEST).passages)


def test_a_draft_that_passed_and_changed_again_must_be_tried_again() -> None:
    shop = publish(make_shop(RETURNS, DELIVERY))
    replace(shop.documents.get(name="file0.md"), REWORDED)
    try_draft(shop)
    assert standing(shop) is Standing.PASSED

    switch_chunk(shop.documents.get(name="file1.md").chunks.first(), is_on=False)  # type: ignore[arg-type]

    assert standing(shop) is Standing.CHANGED
    with pytest.raises(GateHeld):
        publish_checked(shop, by=None)


def test_a_draft_that_changes_while_it_is_published_is_not_published(monkeypatch: pytest.MonkeyPatch) -> None:
    shop = publish(make_shop(RETURNS, DELIVERY))
    replace(shop.documents.get(name="file0.md"), REWORDED)
    try_draft(shop)
    really = publishing.publish

    def after_another_change(*args: object, **more: object) -> object:
        versions.enable_document(shop.documents.get(name="file1.md"), is_on=False)
        return really(*args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(gate, "publish", after_another_change)
    with pytest.raises(DraftChanged):
        publish_checked(shop, by=None)

    shop.refresh_from_db()
    assert shop.release is not None
    assert shop.release.number == 1
    assert shop.releases.count() == 1


def test_a_new_golden_question_asks_for_a_new_trial() -> None:
    shop = publish(make_shop(RETURNS, DELIVERY))
    replace(shop.documents.get(name="file0.md"), REWORDED)
    try_draft(shop)

    must_find(shop.documents.get(name="file1.md"), "When does the ferry travel?")

    assert standing(shop) is Standing.CHANGED


def test_what_is_live_is_asked_only_once() -> None:
    shop = publish(make_shop(RETURNS, DELIVERY))
    must_find(shop.documents.get(name="file0.md"), QUESTION)
    replace(shop.documents.get(name="file0.md"), REWORDED)
    try_draft(shop)

    try_draft(shop)

    assert GoldenRun.objects.filter(release__isnull=False).count() == 1
    assert GoldenRun.objects.filter(release=None).count() == 2


def test_a_published_draft_needs_no_questions_asked_again() -> None:
    shop = make_shop(RETURNS, DELIVERY)
    must_find(shop.documents.get(name="file0.md"), QUESTION)
    run = try_draft(shop)
    publish_checked(shop, by=None)

    assert trial.live_run(shop) == run


def test_a_scan_without_text_holds_the_draft_and_the_version_before_goes_on_answering() -> None:
    from bench.drafts.sources import empty_pdf

    shop = publish(make_shop(RETURNS, DELIVERY))
    replace(shop.documents.get(name="file0.md"), empty_pdf(), "scan.pdf")

    assert reasons(try_draft(shop)) == ["no_text"]
    assert "thirty" in search(QUESTION, user=GUEST).passages[0].text
    (change,) = changes(shop)
    assert change.kind is ChangeKind.FAILED


def test_words_that_nobody_here_writes_hold_the_draft_in_hebrew_too() -> None:
    shop = publish(make_shop(RETURNS, DELIVERY, HEBREW))

    backwards = "\n".join(line if line.startswith("#") else line[::-1] for line in HEBREW.splitlines())
    replace(shop.documents.get(name="file2.md"), backwards)

    assert "backwards" in reasons(try_draft(shop))


def test_text_in_the_wrong_encoding_holds_the_draft() -> None:
    shop = publish(make_shop(RETURNS, DELIVERY, HEBREW))

    replace(shop.documents.get(name="file2.md"), HEBREW.encode().decode("cp1252", "replace"))

    assert "wrong_encoding" in reasons(try_draft(shop))


def test_an_end_that_is_missing_holds_the_draft() -> None:
    shop = publish(make_shop(RETURNS * 3, DELIVERY))

    replace(shop.documents.get(name="file0.md"), RETURNS[: int(len(RETURNS) * 0.7)])

    assert {"cut_off", "text_lost"} & set(reasons(try_draft(shop)))


def test_vectors_that_belong_to_other_chunks_hold_the_draft() -> None:
    shop = publish(make_shop(RETURNS, DELIVERY))
    document = replace(shop.documents.get(name="file0.md"), REWORDED)
    keys = [chunk.key for chunk in document.chunks.filter(version=document.version)]
    vectors = index.get_vectors(shop, keys)

    index.upsert(shop, keys[:1], vectors[keys[1]][None, :])

    assert {"vectors_other", "vectors_shared"} & set(reasons(try_draft(shop)))


def test_chunks_missing_in_the_indexes_hold_the_draft() -> None:
    shop = publish(make_shop(RETURNS, DELIVERY))
    document = replace(shop.documents.get(name="file0.md"), REWORDED)
    chunks = list(document.chunks.filter(version=document.version))

    lexical.remove(chunks[:1])
    index.delete(shop, [chunks[1].key])

    assert {"words_missing", "vectors_missing"} <= set(reasons(try_draft(shop)))


def test_what_people_rightly_do_is_let_through() -> None:
    shop = publish(make_shop(RETURNS, DELIVERY, HEBREW))
    add(shop, "umbrellas.md", "# Umbrellas\n\nAn umbrella is mended at the counter while you wait for it.\n")
    edit_chunk(
        shop.documents.get(name="file1.md").chunks.get(text__contains="ferry"),
        "Parcels to the islands travel by ferry on Mondays. In a storm the ferry waits in the harbour.",
    )
    replace(
        shop.documents.get(name="file0.md"), RETURNS + "\n## Toasters\n\nToasters go back within ten days.\n"
    )

    assert reasons(try_draft(shop)) == []


def test_the_same_file_read_again_changes_nothing_that_matters() -> None:
    shop = publish(make_shop(RETURNS, DELIVERY))

    replace(shop.documents.get(name="file0.md"), RETURNS + "\n")

    assert [change.kind for change in changes(shop)] == [ChangeKind.SAME]
    assert reasons(try_draft(shop)) == []


def test_changes_name_what_happened_to_each_document() -> None:
    shop = publish(make_shop(RETURNS, DELIVERY, HEBREW))
    replace(shop.documents.get(name="file0.md"), REWORDED)
    switch_chunk(shop.documents.get(name="file1.md").chunks.first(), is_on=False)  # type: ignore[arg-type]
    versions.enable_document(shop.documents.get(name="file2.md"), is_on=False)
    add(shop, "new.md", "# Umbrellas\n\nUmbrellas are mended.\n")

    kinds = {change.document.name: change.kind for change in changes(shop)}

    assert kinds == {
        "newer.md": ChangeKind.VERSION,
        "file1.md": ChangeKind.EDITED,
        "file2.md": ChangeKind.OFF,
        "new.md": ChangeKind.NEW,
    }


def test_a_trial_runs_as_a_job_and_a_second_one_waits_for_it() -> None:
    shop = make_shop(RETURNS, DELIVERY)
    must_find(shop.documents.get(name="file0.md"), QUESTION)

    run = trial.start_trial(shop, by=None)
    again = trial.start_trial(shop, by=None)
    assert run == again
    assert standing(shop) is Standing.RUNNING
    worker.work("background")

    job = Job.objects.get(kind="golden")
    assert (job.state, job.progress_done > 0) == (JobState.DONE, True)
    assert standing(shop) is Standing.PASSED


def test_a_stopped_trial_leaves_the_draft_untried() -> None:
    shop = make_shop(RETURNS)
    run = trial.start_trial(shop, by=None)

    trial.stop_trial(run)
    worker.work("background")

    assert standing(shop) is Standing.UNTRIED
    assert Job.objects.get(kind="golden").state == JobState.CANCELLED


def test_the_trial_of_a_worker_that_died_is_finished_by_the_next() -> None:
    shop = make_shop(RETURNS)
    question = must_find(shop.documents.get(), QUESTION)
    run = trial.start_trial(shop, by=None)
    run.results.create(question=question, is_passed=False, is_answerable=False)

    worker.work("background")

    assert [row.is_passed for row in run.results.all()] == [True]


@pytest.mark.parametrize("folder", ["support", "course"])
def test_the_demo_in_three_languages_may_be_published(folder: str) -> None:
    collection = Collection.objects.create(slug="demo", name="Demo")
    for path in sorted((DEMO / folder).glob("*/*.md")):
        add(collection, f"{path.stem}.{path.parent.name}.md", path.read_text(encoding="utf-8"))

    assert reasons(try_draft(collection)) == []
