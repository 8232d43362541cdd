"""What becomes of a picture, and what is refused as none."""

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
def test_a_picture_comes_out_as_upright_squares_of_three_sizes(form):
    drawn = make_thumbnails(photo(form=form))

    pictures = [Image.open(BytesIO(data)) for data in (drawn.small, drawn.medium, drawn.large)]
    assert [(one.format, one.size) for one in pictures] == [("WEBP", (edge, edge)) for edge in Avatar.SIZES]
    top, bottom = (pictures[-1].convert("RGB").getpixel((128, y)) for y in (20, 236))
    assert top[0] > 200 > 60 > top[2]
    assert bottom[2] > 200 > 60 > bottom[0]


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_nothing_but_the_picture_comes_along(form):
    sent = photo(form=form)

    drawn = make_thumbnails(sent)

    assert PLACE.encode() in sent
    for data in (drawn.small, drawn.medium, drawn.large):
        assert PLACE.encode() not in data
        assert dict(Image.open(BytesIO(data)).getexif()) == {}


def test_what_is_transparent_becomes_white():
    out = BytesIO()
    Image.new("RGBA", (64, 64), (0, 0, 0, 0)).save(out, "PNG")

    shown = Image.open(BytesIO(make_thumbnails(out.getvalue()).small)).convert("RGB")

    assert min(shown.getpixel((24, 24))) > 250


def test_the_same_picture_has_the_same_name_and_another_one_another():
    assert (
        make_thumbnails(photo()).digest
        == make_thumbnails(photo()).digest
        != make_thumbnails(photo(size=(640, 200))).digest
    )


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
        b"<!doctype html><script>alert(1)</script>",
        b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;",
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 1 1\n(/etc/passwd) run\n",
        photo()[:400],
        photo(form="PNG")[:200],
        b"\x89PNG\r\n\x1a\n" + b"\xff" * 64,
        b"RIFF\x10\x00\x00\x00WEBPVP8 " + b"\x00" * 8,
    ],
    ids=["nothing", "svg", "html", "gif", "postscript", "half a jpeg", "half a png", "broken png", "broken webp"],
)
def test_what_is_no_picture_is_refused_by_name(data):
    with pytest.raises(Invalid) as error:
        make_thumbnails(data)

    assert [(one.field, one.code) for one in error.value.fields] == [("file", "invalid_image")]


def test_a_picture_that_would_unpack_to_gigabytes_is_refused_before_it_does(resident):
    data = bomb()
    before = resident()

    with pytest.raises(Invalid) as error:
        make_thumbnails(data)

    assert len(data) < 100_000
    assert error.value.fields[0].code == "too_large"
    assert resident() - before < 20_000_000


def test_a_small_file_of_many_pixels_is_made_small_before_it_is_worked_on(most_resident):
    out = BytesIO()
    Image.new("RGB", (4000, 4000), "red").save(out, "WEBP")

    with most_resident() as grown:
        make_thumbnails(out.getvalue())

    assert grown() < 300_000_000


def test_a_file_beyond_five_megabytes_is_not_even_looked_at():
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
    """How far the memory of this process rose within the block, in bytes, from the kernel's own high-water mark."""

    def mark() -> int:
        return int(re.findall(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())[0]) * 1024

    @contextmanager
    def measure():
        Path("/proc/self/clear_refs").write_text("5")
        before = mark()
        yield lambda: mark() - before

    return measure
