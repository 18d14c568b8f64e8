"""What becomes of a stranger's picture: decoded by its content, made small, stripped, encoded anew."""

import io
import random
import struct
import zlib
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from chat.attachments import reading
from chat.attachments.errors import BadPicture, BadShape, Busy, TooManyPixels, UnsupportedPicture
from chat.attachments.picture import MAX_PNG_BYTES, MAX_SIDE, read_picture
from chat.attachments.reading import read_upload
from knowledge.extract import runner
from knowledge.extract.refusal import Refused
from tests.chat.pictures import encoded, opened, picture

WHITE = (255, 255, 255)


def read(data: bytes) -> Image.Image:
    """What the model would see of a file."""
    made = read_picture(io.BytesIO(data))
    image = opened(made.data)
    assert (image.size, Image.MIME[image.format or ""]) == ((made.width, made.height), made.media_type)
    assert image.mode == "RGB"
    return image


def noise(width: int, height: int) -> Image.Image:
    return Image.frombytes("RGB", (width, height), random.Random(1).randbytes(width * height * 3))


def in_file(tmp_path: Path, data: bytes) -> Path:
    path = tmp_path / "upload"
    path.write_bytes(data)
    return path


def png_head(width: int, height: int) -> bytes:
    """A PNG that says how large it is and holds next to nothing."""
    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    parts = [(b"IHDR", head), (b"IDAT", zlib.compress(bytes(100))), (b"IEND", b"")]
    chunks = [
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in parts
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def many_frames(count: int) -> bytes:
    """An animated GIF: a red frame, then blue ones."""
    palette = bytes([255, 0, 0, 0, 0, 255])
    frames = []
    for colour in (0, 1):
        frame = Image.new("P", (20, 10), colour)
        frame.putpixel((0, 0), 1 - colour)  # so that both have the whole palette
        frame.putpalette(palette)
        frames.append(encoded(frame, "GIF", optimize=False))
    body_at = 13 + 3 * 2 ** ((frames[0][10] & 7) + 1)  # behind the screen's descriptor and palette
    first, second = frames
    assert first[:body_at] == second[:body_at]
    return first[:-1] + second[body_at:-1] * count + b";"


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
def test_each_format_is_read_by_its_content(kind: str) -> None:
    image = read(picture(60, 40, (250, 5, 5), kind))

    red, green, blue = image.getpixel((30, 20))  # type: ignore[misc]
    assert image.size == (60, 40)
    assert red > 230
    assert max(green, blue) < 30


@pytest.mark.parametrize(
    ("mode", "colour", "more", "seen"),
    [
        ("RGBA", (255, 0, 0, 0), {}, WHITE),
        ("LA", (0, 0), {}, WHITE),
        ("L", 7, {"transparency": 7}, WHITE),
        ("RGB", (1, 2, 3), {"transparency": (1, 2, 3)}, WHITE),
        ("P", 0, {"transparency": 0}, WHITE),
        ("1", 1, {}, WHITE),
        ("I;16", 40000, {}, (156, 156, 156)),
        ("L", 90, {}, (90, 90, 90)),
    ],
)
def test_every_kind_of_colour_becomes_plain_colour_on_white(
    mode: str, colour: Any, more: dict[str, Any], seen: tuple[int, int, int]
) -> None:
    assert read(picture(20, 10, colour, "PNG", mode, **more)).getpixel((5, 5)) == seen


def test_a_photograph_for_print_keeps_its_colours() -> None:
    red, green, blue = read(picture(60, 40, (0, 255, 255, 0), "JPEG", "CMYK", quality=95)).getpixel((9, 9))  # type: ignore[misc]

    assert red > 200
    assert max(green, blue) < 60


def test_the_main_picture_of_a_phones_double_shot_is_what_counts() -> None:
    second = Image.new("RGB", (60, 40), "blue")
    data = picture(60, 40, (250, 5, 5), "MPO", save_all=True, append_images=[second])

    assert read(data).getpixel((9, 9))[0] > 230  # type: ignore[index]


def test_a_photograph_is_turned_upright_and_forgets_where_it_was_taken() -> None:
    photo = Image.new("RGB", (60, 30), "red")
    photo.paste("blue", (0, 0, 30, 30))  # the left half
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise
    exif[0x8825] = {1: "N", 2: (52.0, 31.0, 0.0)}
    for kind in ("JPEG", "PNG", "WEBP"):
        data = encoded(photo, kind, exif=exif, quality=95)
        assert opened(data).getexif().get_ifd(0x8825)

        made = read_picture(io.BytesIO(data))
        image = opened(made.data)

        assert image.size == (30, 60)
        assert image.getpixel((15, 5))[2] > 200  # type: ignore[index]
        assert image.getpixel((15, 55))[0] > 200  # type: ignore[index]
        assert (dict(image.getexif()), image.info) == ({}, {})


def test_no_words_hidden_in_a_file_are_kept() -> None:
    from PIL.PngImagePlugin import PngInfo

    words = PngInfo()
    words.add_text("Comment", "the secret of the kettle")
    data = (
        encoded(Image.new("RGB", (60, 30)), "PNG", pnginfo=words, icc_profile=b"secret profile") + b"secret"
    )

    made = read_picture(io.BytesIO(data))

    assert b"secret" in data
    assert b"secret" not in made.data


def test_a_large_picture_is_scaled_down_and_a_photograph_kept_as_jpeg() -> None:
    made = read_picture(io.BytesIO(encoded(noise(1600, 1200))))

    assert (made.width, made.height, made.media_type) == (MAX_SIDE, 1008, "image/jpeg")
    assert len(made.data) < MAX_PNG_BYTES

    flat = read_picture(io.BytesIO(picture(4000, 3000, kind="JPEG")))
    assert (flat.width, flat.height, flat.media_type) == (MAX_SIDE, 1008, "image/png")


def test_a_small_picture_keeps_its_size() -> None:
    assert read(picture(3, 2)).size == (3, 2)


def test_the_first_frame_of_a_moving_picture_is_what_counts(tmp_path: Path) -> None:
    data = many_frames(10_000)

    made = read_upload(in_file(tmp_path, data))

    assert opened(made.data).getpixel((5, 5)) == (255, 0, 0)


@pytest.mark.parametrize("data", [png_head(50_000, 50_000), png_head(8000, 5001)], ids=["huge", "just over"])
def test_too_many_pixels_are_refused_from_the_header(data: bytes, tmp_path: Path) -> None:
    with pytest.raises(TooManyPixels) as caught:
        read_upload(in_file(tmp_path, data))

    assert "40 megapixels" in str(caught.value.user_message)


def test_a_webp_that_claims_a_huge_canvas_is_refused_from_the_header() -> None:
    side = (16382).to_bytes(3, "little")
    data = b"RIFF\x16\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0" + side + side

    with pytest.raises(Refused) as caught:
        read_picture(io.BytesIO(data))

    assert caught.value.params == {"unit": "megapixels", "limit": 40}


def test_a_picture_like_a_ribbon_is_refused(tmp_path: Path) -> None:
    assert read(picture(2000, 100)).size == (1344, 67)
    with pytest.raises(BadShape):
        read_upload(in_file(tmp_path, picture(2001, 100)))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"GIF",
        b"<svg xmlns='http://www.w3.org/2000/svg'><rect width='9' height='9'/></svg>",
        b"%PDF-1.7\n",
        picture(kind="TIFF"),
        picture(kind="BMP"),
        picture(kind="ICO"),
        random.Random(5).randbytes(2000),
    ],
    ids=["empty", "three bytes", "svg", "pdf", "tiff", "bmp", "ico", "noise"],
)
def test_anything_else_is_not_a_picture(data: bytes, tmp_path: Path) -> None:
    with pytest.raises(UnsupportedPicture):
        read_upload(in_file(tmp_path, data))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
def test_a_picture_that_was_cut_off_is_refused(kind: str, tmp_path: Path) -> None:
    whole = encoded(noise(300, 200), kind)

    with pytest.raises(BadPicture):
        read_upload(in_file(tmp_path, whole[: len(whole) // 2]))


def test_words_packed_to_fill_the_memory_are_refused() -> None:
    from PIL.PngImagePlugin import PngInfo

    words = PngInfo()
    words.add_text("Comment", "x" * 30_000_000, zip=True)

    with pytest.raises(ValueError, match="too large"):
        read_picture(io.BytesIO(picture(pnginfo=words)))


def test_one_that_needs_more_memory_than_there_is_ends_the_child_not_us(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "MEMORY_BYTES", 150 * 1024 * 1024)

    with pytest.raises(BadPicture):
        read_upload(in_file(tmp_path, picture(7000, 5000, 0, mode="1")))


@pytest.mark.parametrize(
    "end",
    [
        "os.kill(os.getpid(), 9)",
        "os._exit(0)",
        'print(\'{"result": {"data": "aGk=", "width": 1, "height": 1, "media_type": "image/png"}}\')',
        'print(\'{"result": {"width": 1}}\')',
    ],
    ids=["killed", "silent", "no picture", "half an answer"],
)
def test_a_child_that_dies_or_lies_is_a_bad_picture(
    end: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "chat" / "attachments"
    package.mkdir(parents=True)
    (package.parent / "__init__.py").write_text("")
    (package / "__init__.py").write_text("")
    (package / "child.py").write_text(f"import os\n{end}\n")
    monkeypatch.setattr(runner, "_PROJECT", tmp_path)

    with pytest.raises(BadPicture):
        read_upload(in_file(tmp_path, picture()))


def test_one_that_takes_too_long_may_be_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "TIMEOUT_S", 0.01)  # not even the start of a child is that quick

    with pytest.raises(Busy):
        read_upload(in_file(tmp_path, picture()))


def test_only_so_many_pictures_are_read_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "WAIT_S", 0.01)
    path = in_file(tmp_path, picture())
    with reading._room, reading._room, pytest.raises(Busy):
        read_upload(path)

    assert read_upload(path).width == 40


def test_the_web_process_needs_no_pillow_to_take_pictures() -> None:
    import subprocess
    import sys

    code = "import sys, chat.attachments.reading; sys.exit('PIL' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[2], env={"PATH": ""})

    assert done.returncode == 0
