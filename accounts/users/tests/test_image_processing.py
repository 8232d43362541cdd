"""Thumbnails of uploaded pictures, and the files that are refused."""

from __future__ import annotations

import re
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from accounts.models import Avatar
from accounts.tests.images import PLACE, bomb, photo
from accounts.users.image_processing import MAX_BYTES, make_thumbnails
from core.errors import Invalid


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_thumbnails_are_upright_squares_of_three_sizes(form):
    thumbnails = make_thumbnails(photo(form=form))

    pictures = [Image.open(BytesIO(data)) for data in (thumbnails.small, thumbnails.medium, thumbnails.large)]
    assert [(picture.format, picture.size) for picture in pictures] == [("WEBP", (edge, edge)) for edge in Avatar.SIZES]
    top, bottom = (pictures[-1].convert("RGB").getpixel((128, y)) for y in (20, 236))
    assert top[0] > 200 > 60 > top[2]
    assert bottom[2] > 200 > 60 > bottom[0]


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_thumbnails_hold_no_metadata(form):
    original = photo(form=form)

    thumbnails = make_thumbnails(original)

    assert PLACE.encode() in original
    for data in (thumbnails.small, thumbnails.medium, thumbnails.large):
        assert PLACE.encode() not in data
        assert dict(Image.open(BytesIO(data)).getexif()) == {}


def test_transparent_pixels_become_white():
    out = BytesIO()
    Image.new("RGBA", (64, 64), (0, 0, 0, 0)).save(out, "PNG")

    page = Image.open(BytesIO(make_thumbnails(out.getvalue()).small)).convert("RGB")

    assert min(page.getpixel((24, 24))) > 250


def test_digest_identifies_the_picture():
    assert (
        make_thumbnails(photo()).digest
        == make_thumbnails(photo()).digest
        != make_thumbnails(photo(size=(640, 200))).digest
    )


INVALID_IMAGES = {
    "nothing": b"",
    "svg": b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
    "html": b"<!doctype html><script>alert(1)</script>",
    "gif": b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;",
    "postscript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 1 1\n(/etc/passwd) run\n",
    "half a jpeg": photo()[:400],
    "half a png": photo(form="PNG")[:200],
    "broken png": b"\x89PNG\r\n\x1a\n" + b"\xff" * 64,
    "broken webp": b"RIFF\x10\x00\x00\x00WEBPVP8 " + b"\x00" * 8,
}


def test_invalid_image_is_refused():
    for name, data in INVALID_IMAGES.items():
        with pytest.raises(Invalid) as error:
            make_thumbnails(data)

        assert [(field_error.field, field_error.code) for field_error in error.value.fields] == [
            ("file", "invalid_image")
        ], name


def test_decompression_bomb_is_refused_before_decoding(resident):
    data = bomb()
    before = resident()

    with pytest.raises(Invalid) as error:
        make_thumbnails(data)

    assert len(data) < 100_000
    assert error.value.fields[0].code == "too_large"
    assert resident() - before < 20_000_000


def test_large_image_is_reduced_before_processing(most_resident):
    out = BytesIO()
    Image.new("RGB", (4000, 4000), "red").save(out, "WEBP")

    with most_resident() as grown:
        make_thumbnails(out.getvalue())

    assert grown() < 300_000_000


def test_file_beyond_five_megabytes_is_refused():
    with pytest.raises(Invalid) as error:
        make_thumbnails(photo() + b"\0" * MAX_BYTES)

    assert error.value.fields[0].code == "too_large"


@pytest.fixture
def resident():
    def measure() -> int:
        return int(Path("/proc/self/statm").read_text().split()[1]) * 4096

    return measure


@pytest.fixture
def most_resident():
    """Measure the growth of memory within a block, in bytes, from the kernel's high-water mark."""

    def mark() -> int:
        return int(re.findall(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())[0]) * 1024

    @contextmanager
    def measure():
        Path("/proc/self/clear_refs").write_text("5")
        before = mark()
        yield lambda: mark() - before

    return measure
