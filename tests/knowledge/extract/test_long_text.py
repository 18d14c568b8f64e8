"""Text files that are too long to be held several times over."""

from pathlib import Path

import pytest

from knowledge.extract.errors import TooComplex
from knowledge.extract.runner import extract
from knowledge.extract.sections import SECTION_CHARACTERS

MEGABYTE = 1024 * 1024
LIMIT = 120 * MEGABYTE  # of address space, the interpreter's own included


def write(path: Path, megabytes: int, *, ending: str = "\n\n", encoding: str = "utf-8") -> list[str]:
    """Write numbered paragraphs; return them."""
    line = (
        "Paragraph {} says that the warranty of an espresso machine – like any other – lasts two years. " * 3
    )
    count = megabytes * MEGABYTE // len(line)
    written = [line.format(number, number, number).strip() for number in range(count)]
    path.write_bytes(ending.join(written).encode(encoding))
    return written


@pytest.mark.parametrize("ending", ["\n\n", "\r\n\r\n"])
def test_long_text_keeps_every_paragraph_in_order(tmp_path: Path, ending: str) -> None:
    written = write(tmp_path / "long.txt", 9, ending=ending)

    text = extract(tmp_path / "long.txt", "long.txt")

    assert "\n\n".join(section.text for section in text.sections).split("\n\n") == written
    assert max(len(section.text) for section in text.sections) <= SECTION_CHARACTERS + 2 * len(written)


def test_long_text_in_an_old_encoding_is_read_whole(tmp_path: Path) -> None:
    written = write(tmp_path / "long.txt", 5, encoding="cp1252")

    text = extract(tmp_path / "long.txt", "long.txt")

    assert "\n\n".join(section.text for section in text.sections).split("\n\n") == written
    assert text.warnings[0].startswith("encoding_guessed:")


def test_long_text_beyond_the_limit_of_packed_formats_is_read(tmp_path: Path) -> None:
    written = write(tmp_path / "long.txt", 14)

    text = extract(tmp_path / "long.txt", "long.txt")

    assert sum(len(section.text) for section in text.sections) >= sum(map(len, written))


def test_text_of_20_megabytes_needs_few_times_its_size_of_address_space(tmp_path: Path) -> None:
    write(tmp_path / "long.txt", 20)

    text = extract(tmp_path / "long.txt", "long.txt", memory_bytes=LIMIT)

    assert text.sections
    with pytest.raises(TooComplex):  # the limit holds: as one string it does not fit
        write(tmp_path / "whole.txt", 20, encoding="cp1252")
        extract(tmp_path / "whole.txt", "whole.txt", memory_bytes=LIMIT)
