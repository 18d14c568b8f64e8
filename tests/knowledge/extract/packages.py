"""Books and OpenDocument texts for the tests, and XML that wants to grow."""

from __future__ import annotations

from tests.knowledge.extract.files import archive

CONTAINER = (
    b'<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
    b'<rootfile full-path="OPS/book.opf" media-type="application/oebps-package+xml"/></rootfiles></container>'
)
LAUGHS = '<!ENTITY l0 "ha">' + "".join(
    f'<!ENTITY l{level} "{f"&l{level - 1};" * 10}">' for level in range(1, 10)
)
OFFICE = "urn:oasis:names:tc:opendocument:xmlns:"
NAMESPACES = " ".join(
    f'xmlns:{prefix}="{OFFICE}{name}:1.0"'
    for prefix, name in (
        ("office", "office"),
        ("text", "text"),
        ("table", "table"),
        ("style", "style"),
        ("draw", "drawing"),
    )
)
ODT_TYPE = b"application/vnd.oasis.opendocument.text"
SHEET_TYPE = b"application/vnd.oasis.opendocument.spreadsheet"


def chapter(body: str, title: str = "") -> bytes:
    return (
        '<?xml version="1.0" encoding="utf-8"?><!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.1//EN" "x.dtd">'
        f'<html xmlns="http://www.w3.org/1999/xhtml"><head><title>{title}</title><script src="x.js"/></head>'
        f"<body>{body}</body></html>"
    ).encode()


def book(
    chapters: dict[str, bytes], *, spine: list[str] | None = None, more: dict[str, bytes] | None = None
) -> bytes:
    """Return an EPUB whose spine lists the chapters in the order given."""
    files = (*chapters, *(more or {}))
    items = "".join(_manifest_item(name) for name in files)
    refs = "".join(f'<itemref idref="{name}"/>' for name in spine or list(chapters))
    package = (
        '<package xmlns="http://www.idpf.org/2007/opf" xmlns:dc="http://purl.org/dc/elements/1.1/">'
        f"<metadata><dc:title>The Garden Book</dc:title></metadata><manifest>{items}</manifest>"
        f"<spine>{refs}</spine></package>"
    )
    parts = {f"OPS/{name}": data for name, data in {**chapters, **(more or {})}.items()}
    return archive(
        {
            "mimetype": b"application/epub+zip",
            "META-INF/container.xml": CONTAINER,
            "OPS/book.opf": package.encode(),
            **parts,
        }
    )


def _manifest_item(name: str) -> str:
    kind = "application/x-dtbncx+xml" if name.endswith(".ncx") else "application/xhtml+xml"
    properties = 'properties="nav"' if name == "nav.xhtml" else ""
    return f'<item id="{name}" href="{name.replace(" ", "%20")}" media-type="{kind}" {properties}/>'


def odt(body: str, *, styles: str = "", prolog: str = "", more: dict[str, bytes] | None = None) -> bytes:
    content = (
        f'<?xml version="1.0"?>{prolog}<office:document-content {NAMESPACES}>'
        f"<office:automatic-styles>{styles}</office:automatic-styles>"
        f"<office:body><office:text>{body}</office:text></office:body></office:document-content>"
    )
    return archive({"mimetype": ODT_TYPE, "content.xml": content.encode(), **(more or {})})
