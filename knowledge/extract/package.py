"""The parts of a checked ZIP container: read whole, XML without entities. For EPUB and OpenDocument."""

from __future__ import annotations

import re
import zipfile
import zlib
from types import TracebackType
from typing import BinaryIO, Self

from lxml import etree

from knowledge.extract.refusal import Refused
from knowledge.extract.types import FailureCode

_BROKEN = (zipfile.BadZipFile, zlib.error, OSError, EOFError, NotImplementedError, RuntimeError)
_AMPLIFIED = re.compile(r"entity (?:reference )?loop|amplification", re.IGNORECASE)


class Package:
    """An open container whose directory `check_archive` has passed."""

    def __init__(self, file: BinaryIO) -> None:
        """Open; raises Refused (corrupt)."""
        try:
            self._archive = zipfile.ZipFile(file)
        except _BROKEN as exc:
            raise Refused(FailureCode.CORRUPT, f"not a readable ZIP: {exc}") from exc
        self.names = frozenset(self._archive.namelist())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._archive.close()

    def read(self, name: str) -> bytes:
        """Return one part.

        Raises: Refused (corrupt) when it is missing or cannot be unpacked.
        """
        if name not in self.names:
            raise Refused(FailureCode.CORRUPT, f"no part {name[:100]!r}")
        try:
            return self._archive.read(name)
        except _BROKEN as exc:
            raise Refused(FailureCode.CORRUPT, f"{name[:100]!r} can't be unpacked: {exc}") from exc

    def xml(self, name: str) -> etree._Element:
        """Return the root of an XML part.

        Raises: Refused (corrupt, archive_bomb).
        """
        return parse_xml(self.read(name), name)


def parse_xml(data: bytes, name: str) -> etree._Element:
    """Parse XML that may not declare entities: nothing is expanded, nothing is fetched.

    Raises: Refused (corrupt, archive_bomb).
    """
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True, remove_pis=True
    )
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as exc:
        code = FailureCode.ARCHIVE_BOMB if _AMPLIFIED.search(str(exc)) else FailureCode.CORRUPT
        raise Refused(code, f"{name[:100]!r}: {exc}") from exc
    declared = root.getroottree().docinfo.internalDTD
    if declared is not None and declared.entities():  # type: ignore[union-attr]  # unknown to lxml's stubs
        raise Refused(FailureCode.ARCHIVE_BOMB, f"{name[:100]!r} declares entities")
    return root


def local_name(element: etree._Element) -> str:
    """Return an element's name without its namespace; an empty text for what is no element."""
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""
