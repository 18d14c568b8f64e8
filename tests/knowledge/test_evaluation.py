"""`evaluate`, run as people run it, on small files written here."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from knowledge.evaluation import (
    BadEvaluationFile,
    fold,
    hold_out,
    read_documents,
    read_questions,
    write_markdown,
)
from tests.environment import ROOT

DOCUMENTS: list[dict[str, object]] = [
    {
        "id": "returns",
        "title": "Returns",
        "lang": "en",
        "passages": [
            {"id": "returns#0", "heading": "Period", "text": "A parcel can be returned within 30 days."},
            {"id": "returns#1", "heading": "Cost", "text": "Sending a parcel back is free in Europe."},
        ],
    },
    {
        "id": "lamps",
        "title": "Lamps",
        "lang": "en",
        "passages": [{"id": "lamps#0", "heading": "", "text": "The desk lamp has a warranty of five years."}],
    },
]
QUESTIONS: list[dict[str, object]] = [
    {
        "id": "q1", "question": "How long can a parcel be returned?", "lang": "en", "doc_id": "returns",
        "passage_ids": ["returns#0"], "answers": ["30  DAYS"], "unanswerable": False,
    },
    {
        "id": "q2", "question": "How long is the warranty of the desk lamp?", "lang": "en", "doc_id": "lamps",
        "passage_ids": ["lamps#0"], "answers": [], "unanswerable": False,
    },
    {
        "id": "q3", "question": "Who composed the ninth symphony?", "lang": "en", "doc_id": "lamps",
        "passage_ids": [], "answers": [], "unanswerable": True,
    },
]  # fmt: skip


def write(path: Path, rows: list[dict[str, object]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.fixture
def documents(tmp_path: Path) -> Path:
    return write(tmp_path / "documents.jsonl", DOCUMENTS)


@pytest.fixture
def questions(tmp_path: Path) -> Path:
    return write(tmp_path / "questions.jsonl", QUESTIONS)


def evaluate(*arguments: object, temporary: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, ROOT / "manage.py", "evaluate", *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=os.environ | {"TMPDIR": str(temporary)},
        timeout=100,
    )


def test_evaluate_prints_one_object_and_leaves_nothing(
    documents: Path, questions: Path, tmp_path: Path
) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()

    done = evaluate(
        "--documents", documents, "--questions", questions, "--answers", "--json", temporary=temporary
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    assert figures["questions"] == 3
    assert figures["hit@1"] == figures["hit@3"] == figures["hit@5"] == figures["mrr@10"] == 1.0
    assert figures["answer_recall@5"] == 1.0
    assert figures["latency_ms"]["p50"] > 0
    assert figures["ingest"]["documents"] == 2
    assert figures["ingest"]["chunks"] == 3
    assert figures["answer_recall"] == 1.0
    assert figures["abstained_on_answerable"] == 0.0
    assert figures["abstained_on_unanswerable"] == 1.0
    assert figures["cited_gold_document"] == 1.0
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize(
    "line",
    ["not json", "[]", '{"id": 1}', '{"id": "x", "passages": [{"id": "y"}]}', '{"id": 1, "passages": 3}'],
)
def test_evaluate_says_which_line_is_wrong(line: str, questions: Path, tmp_path: Path) -> None:
    documents = tmp_path / "bad.jsonl"
    documents.write_text(json.dumps(DOCUMENTS[0]) + "\n" + line + "\n", encoding="utf-8")

    with pytest.raises(BadEvaluationFile, match="line 2"):
        read_documents(documents)


def test_evaluate_ends_with_2_when_called_wrongly(questions: Path, tmp_path: Path) -> None:
    done = evaluate("--documents", tmp_path / "none", "--questions", questions, "--json", temporary=tmp_path)

    assert done.returncode == 2
    assert done.stdout == ""


def test_questions_know_the_turn_before(tmp_path: Path) -> None:
    history = [{"role": "user", "text": "Lamps?"}, {"role": "assistant", "text": "Yes."}]
    path = write(tmp_path / "questions.jsonl", [QUESTIONS[0] | {"history": history}])

    (question,) = read_questions(path)

    assert question.previous == "Lamps?"


def test_hold_out_leaves_out_the_same_share_every_time(tmp_path: Path) -> None:
    rows = [DOCUMENTS[1] | {"id": f"d{number}"} for number in range(10)]
    documents = read_documents(write(tmp_path / "documents.jsonl", rows))

    kept = hold_out(documents, 0.5)

    assert len(kept) == 5
    assert kept == hold_out(list(reversed(documents)), 0.5)[::-1]
    assert hold_out(documents, 0.0) == documents


def test_a_document_is_written_with_its_headings(documents: Path) -> None:
    text = write_markdown(read_documents(documents)[0]).decode()

    assert text.startswith("# Returns\n\n## Period\n\nA parcel can be returned")


def test_texts_are_compared_folded() -> None:
    assert fold("ＡＢＣ  d\n e") == "abc d e"
