"""The demo content: complete, the same in every language, and able to answer its own questions."""

import json
import re
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pytest
from pytest_django.fixtures import Settings

from chatsite import seeding
from knowledge.models import Expectation, GoldenQuestion

DEMO = Path(__file__).resolve().parents[2] / "chatsite" / "demo"
LANGUAGES = ("en", "he", "ar")
FOLDERS = ("support", "course")
ARABIC_INDIC_DIGITS = str.maketrans("٠١٢٣٤٥٦٧٨٩", "0123456789")
ENGLISH_FILES = sorted(path.relative_to(DEMO).as_posix() for path in DEMO.glob("*/en/*.md"))


@dataclass(frozen=True)
class Question:
    """One line of questions.jsonl."""

    id: str
    question: str
    lang: str
    assistant: str
    document: str | None
    answers: list[str]
    unanswerable: bool


def read_demo() -> dict[str, list[dict[str, object]]]:
    """Return what the seed command reads."""
    return cast(
        "dict[str, list[dict[str, object]]]", json.loads((DEMO / "demo.json").read_text(encoding="utf-8"))
    )


def read_questions() -> list[Question]:
    """Return the questions that the demo is asked."""
    lines = (DEMO / "questions.jsonl").read_text(encoding="utf-8").splitlines()
    return [Question(**json.loads(line)) for line in lines]


def in_language(english_file: str, language: str) -> str:
    """Return the text of the same file in another language."""
    return (DEMO / english_file.replace("/en/", f"/{language}/")).read_text(encoding="utf-8")


def outside_code(markdown: str) -> str:
    """Return the Markdown without its code blocks, where "#" may start a comment."""
    return re.sub(r"```.*?```", "", markdown, flags=re.DOTALL)


def heading_levels(markdown: str) -> list[int]:
    """Return the levels of the headings, in order."""
    return [len(marks) for marks in re.findall(r"^(#+) ", outside_code(markdown), flags=re.MULTILINE)]


def figures(markdown: str) -> Counter[str]:
    """Count every number, with Western digits: days, prices, hours, parts of codes."""
    return Counter(re.findall(r"\d+(?:[.:]\d+)*", markdown.translate(ARABIC_INDIC_DIGITS)))


def code_blocks(markdown: str) -> list[str]:
    """Return the programs of a lesson."""
    return re.findall(r"```python\n(.*?)```", markdown, flags=re.DOTALL)


@pytest.mark.parametrize("folder", FOLDERS)
def test_folder_holds_the_same_files_in_every_language(folder: str) -> None:
    names = {language: {path.name for path in (DEMO / folder / language).iterdir()} for language in LANGUAGES}

    assert names["en"] == names["he"] == names["ar"]
    assert len(names["en"]) >= 3


@pytest.mark.parametrize("english_file", ENGLISH_FILES)
@pytest.mark.parametrize("language", LANGUAGES)
def test_document_has_one_title_and_a_readable_length(english_file: str, language: str) -> None:
    text = in_language(english_file, language)

    assert text.startswith("# ")
    assert heading_levels(text).count(1) == 1
    assert 350 <= len(text.split()) <= 600
    assert "!" not in text.replace("!=", "")


@pytest.mark.parametrize("english_file", ENGLISH_FILES)
@pytest.mark.parametrize("language", ["he", "ar"])
def test_translation_keeps_headings_tables_figures_and_programs(english_file: str, language: str) -> None:
    english, translated = in_language(english_file, "en"), in_language(english_file, language)

    assert heading_levels(translated) == heading_levels(english)
    assert translated.count("\n|") == english.count("\n|")
    assert translated.count("\n- ") == english.count("\n- ")
    assert figures(translated) == figures(english)
    assert code_blocks(translated) == code_blocks(english)


def test_course_has_mathematics_and_a_program_that_prints_what_the_lesson_says() -> None:
    lesson = in_language("course/en/python.md", "en")
    program = code_blocks(lesson)[0]

    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert f"\n```\n{result.stdout}```\n" in lesson
    assert "$$" in in_language("course/en/percentages.md", "en")


def test_collections_point_at_folders_that_exist() -> None:
    collections = read_demo()["collections"]

    assert [collection["slug"] for collection in collections] == ["handbook", "course"]
    assert [collection["visibility"] for collection in collections] == ["everyone", "signed_in"]
    assert all((DEMO / str(collection["folder"])).is_dir() for collection in collections)


@pytest.mark.parametrize("field", ["description", "greeting", "placeholder", "refusal"])
def test_assistants_speak_every_language(field: str) -> None:
    for assistant in read_demo()["assistants"]:
        texts = cast("dict[str, str]", assistant[field])

        assert set(texts) == set(LANGUAGES)
        assert all(text.strip() and "!" not in text for text in texts.values())


def test_assistants_read_known_collections_and_only_support_is_public() -> None:
    demo = read_demo()
    slugs = {collection["slug"] for collection in demo["collections"]}

    assert {assistant["slug"]: assistant["is_public"] for assistant in demo["assistants"]} == {
        "support": True,
        "tutor": False,
    }
    for assistant in demo["assistants"]:
        assert set(cast("list[str]", assistant["collections"])) <= slugs


def test_starters_name_a_document_and_one_of_its_headings() -> None:
    for assistant in read_demo()["assistants"]:
        starters = cast("dict[str, list[dict[str, str]]]", assistant["starters"])
        assert set(starters) == set(LANGUAGES)

        for language, items in starters.items():
            titles_with_headings = [
                (path.read_text(encoding="utf-8").splitlines()[0], path.read_text(encoding="utf-8"))
                for path in DEMO.glob(f"*/{language}/*.md")
            ]

            assert len(items) == 4
            for item in items:
                title, heading = item["hint"].split(" · ")
                assert any(
                    first_line.startswith(f"# {title}") and f"\n## {heading}\n" in text
                    for first_line, text in titles_with_headings
                ), item["hint"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_twelve_answerable_and_three_unanswerable_questions(language: str) -> None:
    questions = [question for question in read_questions() if question.lang == language]

    assert sum(not question.unanswerable for question in questions) == 12
    assert sum(question.unanswerable for question in questions) == 3


def test_question_ids_are_unique() -> None:
    ids = [question.id for question in read_questions()]

    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("question", read_questions(), ids=lambda question: question.id)
def test_answers_stand_in_the_document_that_the_question_names(question: Question) -> None:
    if question.unanswerable:
        assert question.document is None
        assert question.answers == []
        return

    folder = {"support": "support", "tutor": "course"}[question.assistant]
    assert question.document is not None
    assert question.document.startswith(f"{folder}/{question.lang}/")
    text = (DEMO / question.document).read_text(encoding="utf-8")
    assert question.answers
    assert all(answer in text for answer in question.answers)


@pytest.mark.django_db(transaction=True)
def test_the_demo_brings_golden_questions_in_every_language(settings: Settings, tmp_path: Path) -> None:
    settings.DATA_DIR, settings.MEDIA_ROOT, settings.SEED_PASSWORD = (
        tmp_path,
        tmp_path / "files",
        "for-the-demo-1",
    )

    seeding.seed()
    seeding.seed()

    found = GoldenQuestion.objects.filter(expectation=Expectation.FIND)
    assert GoldenQuestion.objects.count() == len(read_questions())
    assert not found.filter(document=None).exists()
    assert {row.language for row in found} == {"en", "he", "ar"}
    assert len({row.meaning for row in found}) * 3 == found.count()
