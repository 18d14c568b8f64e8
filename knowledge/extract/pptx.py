"""PowerPoint: one page a slide, its title as the heading, then text, tables and the speaker's notes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lxml import etree
from pptx import Presentation
from pptx.exc import PythonPptxError

from knowledge.extract.clean import clean_line
from knowledge.extract.formats import Source
from knowledge.extract.refusal import Refused
from knowledge.extract.sections import Sections
from knowledge.extract.strict_office import usual
from knowledge.extract.tables import table_text
from knowledge.extract.types import ExtractedText, FailureCode

_MAX_GROUPS = 20


def read(source: Source) -> ExtractedText:
    """Read a presentation; hidden slides are left out.

    Raises: Refused (corrupt, no_text, too_complex, too_large).
    """
    try:
        presentation = Presentation(usual(source.file))
        slides = list(presentation.slides)
    except (PythonPptxError, KeyError, ValueError, etree.XMLSyntaxError) as exc:
        raise Refused(FailureCode.CORRUPT, f"PPTX: {exc!r}") from exc
    sections = Sections()
    pictures = 0
    for number, slide in enumerate(slides, start=1):
        if slide.element.get("show") != "0":
            sections.leave_headings()
            sections.page(number)
            pictures += not _write_slide(slide, sections)
        source.progress(number, len(slides))
    if sections.is_empty:
        _write_masters(slides, sections)
    written = sections.finish()
    if not written and pictures:
        raise Refused(FailureCode.NO_TEXT, pictures=pictures, pages=len(slides))
    warnings = (f"pages_are_pictures:{pictures}",) if pictures else ()
    title = clean_line(presentation.core_properties.title or "")
    if not title or title.casefold() in ("powerpoint presentation", "slide 1"):
        title = sections.first_heading or clean_line(source.stem)
    return ExtractedText(title, written, len(slides), "pptx", warnings)


def _write_slide(slide: Any, sections: Sections) -> bool:
    """Write one slide; return False when it shows a picture and says nothing."""
    title = slide.shapes.title
    words, has_picture = 0, False
    sections.heading(1, title.text_frame.text if title is not None else "")
    words += len(title.text_frame.text) if title is not None else 0
    for shape in _shapes(slide.shapes, 0):
        has_picture = has_picture or shape.element.tag.endswith("}pic")
        if title is not None and shape.shape_id == title.shape_id:
            continue
        if shape.has_text_frame:
            sections.paragraph("\n".join(paragraph.text for paragraph in shape.text_frame.paragraphs))
            words += len(shape.text_frame.text)
        elif getattr(shape, "has_table", False):
            sections.rows(table_text([cell.text for cell in row.cells] for row in shape.table.rows))
            words += 1
    if slide.has_notes_slide and slide.notes_slide.notes_text_frame is not None:
        sections.paragraph(slide.notes_slide.notes_text_frame.text)
    return bool(words) or not has_picture


def _write_masters(slides: list[Any], sections: Sections) -> None:
    """Write what is drawn on every slide, for a presentation that says nothing else."""
    seen: set[str] = set()
    for slide in slides:
        for base in (slide.slide_layout, slide.slide_layout.slide_master):
            for shape in _shapes(base.shapes, 0):
                text = shape.text_frame.text if shape.has_text_frame and not shape.is_placeholder else ""
                if text not in seen:
                    seen.add(text)
                    sections.paragraph(text)


def _shapes(shapes: Any, depth: int) -> Iterator[Any]:
    """Yield shapes in their order, those inside groups too."""
    if depth > _MAX_GROUPS:
        raise Refused(FailureCode.TOO_COMPLEX, "groups nested too deeply")
    for shape in shapes:
        if shape.element.tag.endswith("}grpSp"):
            yield from _shapes(shape.shapes, depth + 1)
        else:
            yield shape
