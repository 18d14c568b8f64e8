"""Recognition that hangs or fails, and pictures that want to do harm: typed, and within limits."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from knowledge.extract.errors import ExtractError, NoText, Stopped, TimedOut, TooLarge, warning_message
from knowledge.extract.runner import extract
from tests.knowledge.extract.files import assembled, pdf, saved
from tests.knowledge.extract.scans import drawn, joined, scan, stand_in
from tests.knowledge.extract.test_runner import in_child

PAGE = ["Anything"]
TSV_ROW = r"printf '5\t1\t1\t1\t1\t1\t0\t0\t9\t9\t96\tWarranty\n'"


def picture_page(picture: str, data: bytes) -> bytes:
    """Return a PDF of one page that shows one picture object."""
    content = b"q 600 0 0 800 0 0 cm /Im Do Q"
    return assembled(
        [
            b"<< /Type /Catalog /Pages 2 0 R >>",
            b"<< /Type /Pages /Count 1 /Kids [3 0 R] >>",
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Contents 4 0 R "
            b"/Resources << /XObject << /Im 5 0 R >> >> >>",
            f"<< /Length {len(content)} >>\nstream\n".encode() + content + b"\nendstream",
            f"<< /Type /XObject /Subtype /Image {picture} /Length {len(data)} >>\nstream\n".encode()
            + data
            + b"\nendstream",
        ]
    )


def test_program_that_hangs_is_given_up_after_three_pages(tmp_path: Path) -> None:
    hanging = stand_in(
        tmp_path, "echo x >> asked\nexec /bin/sleep 60".replace("asked", str(tmp_path / "asked")), 1.0
    )

    with pytest.raises(TimedOut) as caught:
        extract(saved(tmp_path, scan(*[drawn(PAGE)] * 6)), "a.pdf", tesseract=hanging)

    assert caught.value.retryable
    assert len((tmp_path / "asked").read_text().split()) == 3


def test_stop_ends_a_page_under_recognition_and_its_program(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    hanging = stand_in(tmp_path, f"echo $$ > {pid}\nexec /bin/sleep 60", 60.0)

    with pytest.raises(Stopped):
        extract(
            saved(tmp_path, scan(drawn(PAGE))),
            "a.pdf",
            tesseract=hanging,
            should_stop=lambda: pid.exists() and bool(pid.read_text().strip()),
        )

    with pytest.raises(ProcessLookupError):
        _wait_for_end(int(pid.read_text()))


def _wait_for_end(pid: int) -> None:
    """Return after ten seconds; raises ProcessLookupError as soon as the process is gone."""
    for _attempt in range(100):
        os.kill(pid, 0)
        if Path(f"/proc/{pid}/stat").read_text().split()[2] == "Z":
            raise ProcessLookupError
        time.sleep(0.1)


def test_time_of_recognition_is_counted_apart_from_parsing(tmp_path: Path) -> None:
    slow = stand_in(tmp_path, f"/bin/cat > /dev/null\n/bin/sleep 3\n{TSV_ROW}")

    text = extract(saved(tmp_path, scan(*[drawn(PAGE)] * 4)), "a.pdf", tesseract=slow, timeout_s=10)

    assert text.warnings == ("pages_recognised:4",)


def test_program_that_fails_on_every_page_is_a_failure_of_its_own(tmp_path: Path) -> None:
    failing = stand_in(tmp_path, "echo no data >&2; exit 1")

    with pytest.raises(NoText) as caught:
        extract(saved(tmp_path, scan(drawn(PAGE))), "a.pdf", tesseract=failing)

    assert caught.value.params["reason"] == "recognition_failed"
    assert "no data" in caught.value.detail


def test_page_that_fails_costs_only_itself(tmp_path: Path) -> None:
    failing = stand_in(tmp_path, "kill -SEGV $$")
    printed = pdf([["A printed page about the garden and what grows in it all year."]])

    text = extract(saved(tmp_path, joined(printed, scan(drawn(PAGE)))), "a.pdf", tesseract=failing)

    assert text.warnings == ("pages_failed:2",)
    assert warning_message(text.warnings[0]) == "Page 2 could not be read."


def test_missing_program_is_a_failed_page(tmp_path: Path) -> None:
    gone = stand_in(tmp_path, "")
    Path(gone.program).unlink()

    with pytest.raises(NoText):
        extract(saved(tmp_path, scan(drawn(PAGE))), "a.pdf", tesseract=gone)


GREY = "/ColorSpace /DeviceGray /BitsPerComponent"


@pytest.mark.parametrize(
    ("picture", "data"),
    [
        (f"/Width 60000 /Height 60000 {GREY} 8", b"x"),
        (f"/Width 2000000000 /Height 2000000000 {GREY} 1", b"x"),
        (f"/Width 60000 /Height 60000 {GREY} 1 /Filter /CCITTFaxDecode", bytes(range(256))),
        (
            f"/Width 9000 /Height 9000 {GREY} 1 /Filter /CCITTFaxDecode /DecodeParms << /K -1 >>",
            b"\x01" * 900,
        ),
        (f"/Width 1000 /Height 1000 {GREY} 1 /Filter /JBIG2Decode", b"\x97JB2" + bytes(range(256))),
        (f"/Width 1000 /Height 1000 {GREY} 8 /Filter /JPXDecode", bytes(range(256))),
        (f"/Width -5 /Height 0 {GREY} 8", b""),
    ],
)
def test_picture_that_cannot_be_decoded_ends_in_a_typed_failure(
    tmp_path: Path, picture: str, data: bytes
) -> None:
    blank = stand_in(tmp_path, "/bin/cat > /dev/null")

    with pytest.raises(NoText) as caught:
        extract(saved(tmp_path, picture_page(picture, data)), "a.pdf", tesseract=blank)

    assert caught.value.params["pictures"] == 1


@pytest.mark.parametrize("box", ["0 0 1 1", "0 0 14400000 14400000", "0 0 3 900000", "9 9 0 0"])
def test_page_of_an_odd_size_ends_in_a_typed_failure(tmp_path: Path, box: str) -> None:
    data = picture_page(f"/Width 9 /Height 9 {GREY} 8", b"x" * 81).replace(
        b"0 0 600 800]", box.encode() + b"]"
    )
    blank = stand_in(tmp_path, "/bin/cat > /dev/null")

    with pytest.raises(ExtractError) as caught:
        extract(saved(tmp_path, data), "a.pdf", tesseract=blank)

    assert caught.value.code == "no_text"


def test_ten_thousand_pages_are_refused_before_any_is_recognised(tmp_path: Path) -> None:
    asked = tmp_path / "asked"
    program = stand_in(tmp_path, f"touch {asked}")

    with pytest.raises(TooLarge):
        extract(saved(tmp_path, pdf([[]] * 10_000)), "a.pdf", tesseract=program)

    assert not asked.exists()


def test_child_may_start_the_programs_of_recognition_and_no_others() -> None:
    result = in_child(
        """
        import os, subprocess
        from knowledge.extract import limits
        limits.cut_network(may_run=[("/bin/echo", "allowed")])
        for command in (["/bin/echo", "allowed"], ["/bin/echo", "other"], ["/bin/true"]):
            try:
                subprocess.run(command, check=True)
            except PermissionError:
                print("refused", flush=True)
        try:
            os.system("true")
        except PermissionError:
            print("refused", flush=True)
        """
    )

    assert result.stdout.split() == ["allowed", "refused", "refused", "refused"], result.stderr
