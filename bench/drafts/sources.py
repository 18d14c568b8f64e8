"""What a document is made of before it is a file: sections, written as Markdown, slides or a web page."""

import html
import io
from collections.abc import Sequence
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Section:
    """A heading with its text."""

    heading: str
    text: str


@dataclass(frozen=True, slots=True)
class Source:
    """A document. kind: how it is written."""

    name: str
    title: str
    sections: tuple[Section, ...]
    kind: str = "md"

    @property
    def text(self) -> str:
        """All of it."""
        return "\n".join(section.text for section in self.sections)

    @property
    def file_name(self) -> str:
        """Its name with the ending of its kind."""
        return f"{self.name}.{self.kind}"

    def with_texts(self, texts: Sequence[str]) -> "Source":
        """Put other texts under the same headings."""
        sections = (Section(one.heading, text) for one, text in zip(self.sections, texts, strict=True))
        return replace(self, sections=tuple(sections))

    def with_sections(self, sections: Sequence[Section]) -> "Source":
        """Put other sections under the same title."""
        return replace(self, sections=tuple(sections))

    def write(self) -> bytes:
        """Write the file."""
        return {"md": _markdown, "pptx": _slides, "html": _page, "txt": _plain, "docx": _word}[self.kind](
            self
        )


def _markdown(source: Source) -> bytes:
    parts = [f"# {source.title}"]
    for section in source.sections:
        parts += [f"## {section.heading}"] if section.heading else []
        parts.append(section.text)
    return "\n\n".join(parts).encode("utf-8", "surrogatepass")


def _plain(source: Source) -> bytes:
    return "\n\n".join([source.title, *(section.text for section in source.sections)]).encode()


def _page(source: Source) -> bytes:
    parts = [f"<title>{html.escape(source.title)}</title><h1>{html.escape(source.title)}</h1>"]
    for section in source.sections:
        parts.append(f"<h2>{html.escape(section.heading)}</h2>" if section.heading else "")
        parts += [f"<p>{html.escape(line)}</p>" for line in section.text.splitlines() if line.strip()]
    return f"<!doctype html><meta charset=utf-8>{''.join(parts)}".encode()


def _word(source: Source) -> bytes:
    import docx

    document = docx.Document()
    document.core_properties.title = source.title
    document.add_heading(source.title, 1)
    for section in source.sections:
        if section.heading:
            document.add_heading(section.heading, 2)
        for line in section.text.splitlines():
            document.add_paragraph(line)
    return _saved(document.save)


def _slides(source: Source) -> bytes:
    from pptx import Presentation

    deck = Presentation()
    deck.core_properties.title = source.title
    for section in source.sections:
        slide = deck.slides.add_slide(deck.slide_layouts[1])
        slide.shapes.title.text = section.heading
        slide.placeholders[1].text = section.text
    return _saved(deck.save)


def _saved(save: "object") -> bytes:
    file = io.BytesIO()
    save(file)  # type: ignore[operator]
    return file.getvalue()


def empty_pdf() -> bytes:
    """Write a PDF of two pages without text, as a scanner makes them."""
    from pypdf import PdfWriter

    writer = PdfWriter()
    for _ in range(2):
        writer.add_blank_page(300, 400)
    return _saved(writer.write)
