"""What people rightly do to a draft: reword, correct, update, add, move, take out, write anew."""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from bench.drafts.sources import Section, Source
from bench.drafts.stage import Stage
from knowledge.editing import edit_chunk, switch_chunk
from knowledge.models import Document
from knowledge.sentences import split_sentences

Edit = Callable[[Stage], object]


def _pick(stage: Stage, sections: int = 2) -> Document:
    return next(row for row in stage.documents() if len(stage.source(row).sections) >= sections)


def _put(stage: Stage, document: Document, *sections: Section) -> None:
    stage.replace(document, stage.source(document).with_sections(sections))


def _sentences(text: str) -> list[str]:
    return [text[start:end] for start, end in split_sentences(text)]


def paragraph_reworded(stage: Stage) -> None:
    """Sentences of a paragraph in another order, one left out, one written by the editor."""
    document = _pick(stage)
    sections = list(stage.source(document).sections)
    place = stage.random.randrange(len(sections))
    parts = _sentences(sections[place].text)
    said = _sentences(stage.spare[2].sections[0].text)[0]
    text = " ".join([*parts[1:-1][::-1], parts[0], said])
    sections[place] = Section(sections[place].heading, text)
    _put(stage, document, *sections)


def typo_corrected(stage: Stage) -> None:
    """One word written otherwise in one place."""
    document = _pick(stage)
    sections = list(stage.source(document).sections)
    place = stage.random.randrange(len(sections))
    text = sections[place].text
    found = [match for match in re.finditer(r"\w{5,}", text) if not match[0].isdecimal()]
    match = stage.random.choice(found)
    word = match[0]
    other = text[: match.start()] + word[0] + word[2] + word[1] + word[3:] + text[match.end() :]
    sections[place] = Section(sections[place].heading, other)
    _put(stage, document, *sections)


def figures_updated(stage: Stage) -> None:
    document = max(stage.plain_documents(), key=lambda row: len(re.findall(r"\d+", stage.source(row).text)))
    newer = [
        Section(one.heading, re.sub(r"\d+", lambda match: str(int(match[0]) + 1), one.text))
        for one in stage.source(document).sections
    ]
    _put(stage, document, *newer)


def prices_updated(stage: Stage) -> None:
    document = next(row for row in stage.documents() if "|" in stage.source(row).text)
    newer = [
        Section(one.heading, re.sub(r"\b\d+\.00", lambda match: f"{float(match[0]) * 1.1:.2f}", one.text))
        for one in stage.source(document).sections
    ]
    _put(stage, document, *newer)


def section_added(stage: Stage) -> None:
    document = _pick(stage)
    _put(stage, document, *stage.source(document).sections, stage.spare[3].sections[0])


def document_added(stage: Stage) -> None:
    stage.add(stage.spare[4])


def several_documents_added(stage: Stage) -> None:
    for source in stage.spare[5:8]:
        stage.add(source)


def document_in_another_language_added(stage: Stage) -> None:
    stage.add(stage.foreign[0])


def short_note_added(stage: Stage) -> None:
    text = " ".join(_sentences(stage.spare[0].sections[0].text)[:2])
    stage.add(Source("note", "Note", (Section("", text),)))


def document_split(stage: Stage) -> None:
    document = _pick(stage, 4)
    source = stage.source(document)
    middle = len(source.sections) // 2
    stage.add(
        replace(
            source, name=f"{source.name}-2", title=f"{source.title} (2)", sections=source.sections[middle:]
        )
    )
    _put(stage, document, *source.sections[:middle])


def documents_merged(stage: Stage) -> None:
    one, other = (row for row in stage.plain_documents()[:2])
    _put(stage, one, *stage.source(one).sections, *stage.source(other).sections)
    stage.switch_off(other)


def outdated_section_removed(stage: Stage) -> None:
    document = next(row for row in stage.plain_documents() if len(stage.source(row).sections) >= 4)
    sections = list(stage.source(document).sections)
    del sections[stage.random.randrange(len(sections))]
    _put(stage, document, *sections)


def outdated_document_removed(stage: Stage) -> None:
    stage.switch_off(stage.plain_documents()[0])


def sections_reordered(stage: Stage) -> None:
    document = _pick(stage, 3)
    sections = list(stage.source(document).sections)
    stage.random.shuffle(sections)
    _put(stage, document, *sections)


def written_as_a_web_page(stage: Stage) -> None:
    document = _pick(stage)
    stage.replace(document, replace(stage.source(document), kind="html"))


def written_as_a_word_file(stage: Stage) -> None:
    document = _pick(stage)
    stage.replace(document, replace(stage.source(document), kind="docx"))


def lines_wrapped(stage: Stage) -> None:
    """Every sentence on a line of its own, as many editors keep their texts."""
    document = _pick(stage)
    sections = [
        Section(one.heading, "\n".join(_sentences(one.text))) for one in stage.source(document).sections
    ]
    _put(stage, document, *sections)


def title_changed(stage: Stage) -> None:
    document = _pick(stage)
    source = stage.source(document)
    stage.replace(document, replace(source, title=f"{source.title} 2026"))


def headings_reworded(stage: Stage) -> None:
    document = _pick(stage)
    sections = [
        Section(f"{n}. {one.heading}", one.text) for n, one in enumerate(stage.source(document).sections, 1)
    ]
    _put(stage, document, *sections)


def passage_corrected_by_hand(stage: Stage) -> None:
    chunk = stage.chunks(_pick(stage))[0]
    said = _sentences(stage.spare[1].sections[0].text)[0]
    edited = edit_chunk(chunk, f"{chunk.text} {said}")
    stage.undoing.callback(edit_chunk, edited, chunk.text)


def passage_switched_off(stage: Stage) -> None:
    chunk = stage.chunks(stage.plain_documents()[0])[-1]
    switch_chunk(chunk, is_on=False)
    stage.undoing.callback(switch_chunk, chunk, is_on=True)


def table_added(stage: Stage) -> None:
    document = _pick(stage)
    rows = "\n".join(f"| Part {n} | {n * 7}.00 | {n} |" for n in range(1, 9))
    table = Section("Parts", f"| Part | Price | Shelf |\n| --- | --- | --- |\n{rows}")
    _put(stage, document, *stage.source(document).sections, table)


def sentences_added_throughout(stage: Stage) -> None:
    document = _pick(stage)
    more = [text for one in stage.spare[6].sections for text in _sentences(one.text)]
    sections = [
        Section(one.heading, f"{one.text} {more[n % len(more)]}")
        for n, one in enumerate(stage.source(document).sections)
    ]
    _put(stage, document, *sections)


def slide_added(stage: Stage) -> None:
    document = stage.documents("pptx")[0]
    _put(stage, document, *stage.source(document).sections, stage.spare[2].sections[0])


EDITS: Final[tuple[Edit, ...]] = (
    paragraph_reworded, typo_corrected, figures_updated, prices_updated, section_added, document_added,
    several_documents_added, document_in_another_language_added, short_note_added, document_split,
    documents_merged, outdated_section_removed, outdated_document_removed, sections_reordered,
    written_as_a_web_page, written_as_a_word_file, lines_wrapped, title_changed, headings_reworded,
    passage_corrected_by_hand, passage_switched_off, table_added, sentences_added_throughout, slide_added,
)  # fmt: skip
