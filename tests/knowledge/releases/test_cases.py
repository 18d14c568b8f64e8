"""A sample of the cases of `python -m bench.faults`, on a few made-up documents without golden questions.

The benchmark plays all of them on public data sets; here one fault and one good edit of each sort.
"""

import random

import pytest

from bench.corpus import Corpus
from bench.drafts import edits, faults
from bench.drafts.sources import Section, Source
from bench.drafts.stage import Stage
from knowledge.models import Collection, Visibility

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("own_stores")]
FAULTS = (
    faults.empty_pages,
    faults.recognised_badly,
    faults.read_backwards,
    faults.cut_in_half,
    faults.vectors_exchanged,
    faults.words_of_others,
)
EDITS = (
    edits.paragraph_reworded,
    edits.figures_updated,
    edits.document_split,
    edits.outdated_section_removed,
    edits.written_as_a_web_page,
)


def sentences(corpus: Corpus, language: str) -> str:
    return " ".join(corpus.sentence(language) for _ in range(4))


def written(corpus: Corpus, place: int, kind: str = "md") -> Source:
    language = "he" if place % 3 == 0 else "en"
    sections = tuple(
        Section(corpus.sentence(language), f"{sentences(corpus, language)} {place * 7 + n}, {n} 2019 14:30.")
        for n in range(4)
    )
    return Source(f"file-{place}", corpus.sentence(language), sections, kind)


@pytest.fixture
def stage() -> Stage:
    """Five documents and a deck of slides, published."""
    corpus = Corpus(7)
    collection = Collection.objects.create(slug="made", name="Made", visibility=Visibility.EVERYONE)
    spare = [written(corpus, place) for place in range(20, 30)]
    stage = Stage(collection, random.Random(3), spare, spare)
    for place in range(5):
        stage.add(written(corpus, place), keep=True)
    stage.add(written(corpus, 5, "pptx"), keep=True)
    stage.publish()
    return stage


def test_faults_of_every_sort_are_held(stage: Stage) -> None:
    missed = [case.__name__ for case in FAULTS if not stage.play(case, case.__name__).is_held]

    assert missed == []


def test_good_edits_of_every_sort_are_let_through(stage: Stage) -> None:
    played = {case.__name__: stage.play(case, case.__name__) for case in EDITS}

    assert {name: one.reasons for name, one in played.items() if one.is_held} == {}
    assert all(one.is_changed for one in played.values())
