"""What goes wrong with a draft: files read badly, the wrong file, chunks and indexes that differ."""

import random
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Final
from unittest.mock import patch

import numpy as np

from bench.drafts.sources import Section, Source, empty_pdf
from bench.drafts.stage import Stage
from knowledge import index, indexing, lexical
from knowledge.chunking import ChunkDraft, chunk
from knowledge.editing import switch_chunk
from knowledge.extract.types import ExtractedText
from knowledge.models import Chunk, Document, GoldenQuestion
from knowledge.scope import draft_chunks

Fault = Callable[[Stage], object]
_MISREAD: Final = {"e": "c", "i": "l", "l": "1", "o": "0", "m": "rn", "a": "u", "s": "5", "n": "ri", "t": "f"}


def _largest(stage: Stage, kind: str = "md") -> Document:
    return max(stage.documents(kind)[:6], key=lambda row: len(stage.source(row).text))


def _rewrite(stage: Stage, change: Callable[[str], str], document: Document | None = None) -> Document:
    document = document or _largest(stage)
    source = stage.source(document)
    return stage.replace(document, source.with_texts([change(one.text) for one in source.sections]))


def misread(text: str, random: random.Random, share: float) -> str:
    """Exchange letters as recognition does that cannot read the page."""
    letters = [*sorted({letter for letter in text if letter.isalpha()}), "'", "~", "|"]
    return "".join(
        _MISREAD.get(letter) or random.choice(letters)
        if letter.isalpha() and random.random() < share
        else letter
        for letter in text
    )


def lost_pages(stage: Stage) -> None:
    document = _largest(stage, "pptx")
    sections = stage.source(document).sections
    stage.replace(document, stage.source(document).with_sections(sections[: -(len(sections) // 3)]))


def empty_pages(stage: Stage) -> None:
    document = _largest(stage, "pptx")
    sections = list(stage.source(document).sections)
    sections[1:3] = [Section("", "")] * 2
    stage.replace(document, stage.source(document).with_sections(sections))


def scan_without_text(stage: Stage) -> None:
    stage.replace(stage.documents()[0], empty_pdf(), "scan.pdf")


def recognised_a_tenth_wrong(stage: Stage) -> None:
    _rewrite(stage, lambda text: misread(text, stage.random, 0.12))


def recognised_badly(stage: Stage) -> None:
    _rewrite(stage, lambda text: misread(text, stage.random, 0.3))


def new_file_recognised_badly(stage: Stage) -> None:
    source = stage.spare[0]
    stage.add(source.with_texts([misread(one.text, stage.random, 0.3) for one in source.sections]))


def wrong_encoding(stage: Stage) -> None:
    document = max(stage.documents(), key=lambda row: sum(not c.isascii() for c in stage.source(row).text))
    _rewrite(stage, lambda text: text.encode().decode("cp1252", "replace"), document)


def letters_lost(stage: Stage) -> None:
    _rewrite(
        stage,
        lambda text: "".join("\ufffd" if c.isalpha() and stage.random.random() < 0.05 else c for c in text),
    )


def letters_apart(stage: Stage) -> None:
    _rewrite(stage, lambda text: " ".join(text))


def words_run_together(stage: Stage) -> None:
    _rewrite(stage, lambda text: re.sub(r"(?<=\w) (?=\w)", "", text))


def read_backwards(stage: Stage) -> None:
    _rewrite(stage, lambda text: "\n".join(line[::-1] for line in text.splitlines()))


def figures_lost(stage: Stage) -> None:
    document = max(stage.documents(), key=lambda row: len(re.findall(r"\d+", stage.source(row).text)))
    _rewrite(stage, lambda text: re.sub(r"\d+", "", text), document)


def cut_in_half(stage: Stage) -> None:
    document = _largest(stage)
    content = stage.source(document).write()
    stage.replace(document, content[: len(content) // 2].decode(errors="ignore").encode())


def end_cut_off(stage: Stage) -> None:
    document = _largest(stage)
    content = stage.source(document).write()
    stage.replace(document, content[: int(len(content) * 0.8)].decode(errors="ignore").encode())


def other_document(stage: Stage) -> None:
    stage.replace(_largest(stage), replace(stage.spare[1], name="other"))


def tables_lost(stage: Stage) -> None:
    document = next(row for row in stage.documents() if "|" in stage.source(row).text)
    source = stage.source(document)
    stage.replace(document, source.with_sections([one for one in source.sections if "|" not in one.text]))


def headings_lost(stage: Stage) -> None:
    document = _largest(stage)
    source = stage.source(document)
    stage.replace(document, source.with_sections([Section("", one.text) for one in source.sections]))


def language_lost(stage: Stage) -> None:
    document = next(row for row in stage.documents() if stage.source(row).name == "two-languages")
    source = stage.source(document)
    stage.replace(document, source.with_sections(source.sections[: len(source.sections) // 2]))


def _cut(cutter: Callable[[ExtractedText], list[ChunkDraft]], stage: Stage) -> None:
    document = _largest(stage)
    with patch.object(indexing, "chunk", cutter):
        stage.replace(document, stage.source(document).write() + b"\n\n")


def one_giant_chunk(stage: Stage) -> None:
    def cut(extracted: ExtractedText) -> list[ChunkDraft]:
        text = "\n\n".join(section.text for section in extracted.sections)
        return [ChunkDraft(text, "", extracted.sections[0].page, 0, 0)]

    _cut(cut, stage)


def crumbs(stage: Stage) -> None:
    _cut(lambda extracted: chunk(extracted, max_words=12, overlap=0), stage)


def repeated_pages(stage: Stage) -> None:
    document = _largest(stage, "pptx")
    sections = stage.source(document).sections
    again = [Section(f"{one.heading} (copy)", one.text) for one in sections]
    stage.replace(document, stage.source(document).with_sections([*sections, *again]))


def _vectors(
    stage: Stage, change: Callable[[np.ndarray], np.ndarray], document: Document | None = None
) -> None:
    """Exchange the vectors of a document that changed, or of all of the draft."""
    rows = stage.chunks(document) if document else list(draft_chunks(stage.collection))
    keys = [row.key for row in rows]
    right = index.get_vectors(stage.collection, keys)
    kept = np.stack([right[key] for key in keys])
    index.upsert(stage.collection, keys, change(kept).astype(np.float32))
    stage.undoing.callback(index.upsert, stage.collection, keys, kept)


def _touched(stage: Stage) -> Document:
    """A document with a harmless change, whose index will be what is wrong."""
    document = _largest(stage)
    return _rewrite(stage, lambda text: text.replace("e", "e", 1) + " .", document)


def other_embedder(stage: Stage) -> None:
    _vectors(stage, lambda kept: np.random.default_rng(1).permuted(kept, axis=1))


def vectors_of_new_file_by_other_embedder(stage: Stage) -> None:
    _vectors(stage, lambda kept: kept[:, ::-1], _touched(stage))


def vectors_empty(stage: Stage) -> None:
    _vectors(stage, lambda kept: np.full_like(kept, 1e-9), _touched(stage))


def vectors_exchanged(stage: Stage) -> None:
    _vectors(stage, lambda kept: np.roll(kept, 1, axis=0), _touched(stage))


def vectors_all_the_same(stage: Stage) -> None:
    _vectors(stage, lambda kept: np.repeat(kept[:1], len(kept), axis=0), _touched(stage))


def vectors_missing(stage: Stage) -> None:
    rows = stage.chunks(_touched(stage))
    keys = [row.key for row in rows]
    right = index.get_vectors(stage.collection, keys)
    index.delete(stage.collection, keys)
    stage.undoing.callback(index.upsert, stage.collection, keys, np.stack([right[key] for key in keys]))


def words_missing(stage: Stage) -> None:
    rows = stage.chunks(_touched(stage))
    lexical.remove(rows)
    stage.undoing.callback(lexical.add, rows)


def words_of_others(stage: Stage) -> None:
    rows = stage.chunks(_touched(stage))
    before = [row.text for row in rows]
    for row, text in zip(rows, [*before[1:], "Other words altogether."], strict=True):
        row.text = text
    lexical.add(rows)
    stage.undoing.callback(
        lexical.add, Chunk.objects.filter(pk__in=[row.pk for row in rows]).select_related("document")
    )


def switched_off_by_mistake(stage: Stage) -> None:
    stage.switch_off((stage.golden_documents() or stage.documents())[0])


def many_switched_off(stage: Stage) -> None:
    for document in stage.documents()[:8]:
        stage.switch_off(document)


def passage_switched_off_by_mistake(stage: Stage) -> None:
    quoted = list(GoldenQuestion.objects.filter(collection=stage.collection).exclude(quote=""))
    question = stage.random.choice(quoted) if quoted else None
    document = question.document if question and question.document else stage.documents()[0]
    quote = question.quote if question else ""
    for row in [row for row in stage.chunks(document) if quote in row.text]:
        switch_chunk(row, is_on=False)
        stage.undoing.callback(switch_chunk, row, is_on=True)


FAULTS: Final[tuple[Fault, ...]] = (
    lost_pages, empty_pages, scan_without_text, recognised_a_tenth_wrong, recognised_badly,
    new_file_recognised_badly, wrong_encoding, letters_lost, letters_apart, words_run_together,
    read_backwards, figures_lost, cut_in_half, end_cut_off, other_document, tables_lost, headings_lost,
    language_lost,
    one_giant_chunk, crumbs, repeated_pages, other_embedder, vectors_of_new_file_by_other_embedder,
    vectors_empty, vectors_exchanged, vectors_all_the_same, vectors_missing, words_missing, words_of_others,
    switched_off_by_mistake, many_switched_off, passage_switched_off_by_mistake,
)  # fmt: skip
NEED_GOLDEN: Final[frozenset[Fault]] = frozenset({switched_off_by_mistake, passage_switched_off_by_mistake})
__all__ = ["FAULTS", "NEED_GOLDEN", "Fault", "Source", "misread"]
