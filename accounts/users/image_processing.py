"""Pictures drawn anew: whatever else a file holds (a place, a name, a program) does not come along."""

from __future__ import annotations

import hashlib
import struct
import warnings
from io import BytesIO
from threading import Lock
from typing import NamedTuple

from PIL import Image, ImageOps

from accounts.models import Avatar
from core.errors import Invalid, TransientConflict

FORMATS = ("JPEG", "PNG", "WEBP")
MAX_BYTES = 5 * 1024 * 1024
MAX_PIXELS = 16_000_000
QUALITY = 82
THUMBNAIL_BOUND = (4 * Avatar.SIZES[-1], 4 * Avatar.SIZES[-1])
BACKGROUND = (255, 255, 255)
# A small file may unpack to 16 megapixels: a process draws one at a time, and its threads do not queue for it.
LOCK_TIMEOUT = 0.5
render_lock = Lock()
# What Pillow raises at a file that is none, ends early or claims what it does not hold.
DECODE_ERRORS = (OSError, ValueError, SyntaxError, EOFError, IndexError, struct.error)
DECOMPRESSION_BOMB_ERRORS = (Image.DecompressionBombError, Image.DecompressionBombWarning)
INVALID_IMAGE = "This is not a picture we can read. Send a JPEG, PNG or WebP."


class Thumbnails(NamedTuple):
    digest: str
    small: bytes
    medium: bytes
    large: bytes


def make_thumbnails(data: bytes) -> Thumbnails:
    """Return the picture as squares of Avatar.SIZES in WebP; raises Invalid for what is no picture or too large.

    Raises Busy while this process draws another one.
    """
    if len(data) > MAX_BYTES:
        raise Invalid.field("file", "A picture may have 5 MB at most.", "too_large")
    if not render_lock.acquire(timeout=LOCK_TIMEOUT):
        raise TransientConflict("Another picture is being drawn; try again in a moment.")
    try:
        sizes = _render_sizes(data)
    finally:
        render_lock.release()
    return Thumbnails(hashlib.sha256(sizes[-1]).hexdigest()[:32], *sizes)


def _render_sizes(data: bytes) -> list[bytes]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            picture = _read(data)
            return [_square(picture, edge) for edge in Avatar.SIZES]
    except DECOMPRESSION_BOMB_ERRORS as error:
        raise _too_many_pixels() from error
    except DECODE_ERRORS as error:
        raise Invalid.field("file", INVALID_IMAGE, "invalid_image") from error


def _read(data: bytes) -> Image.Image:
    """The first frame, upright, without transparency. Its size is judged before a pixel is unpacked, and it is made
    small before anything else is done to it."""
    with Image.open(BytesIO(data), formats=FORMATS) as file:
        if file.width * file.height > MAX_PIXELS:
            raise _too_many_pixels()
        file.thumbnail(THUMBNAIL_BOUND, Image.Resampling.BICUBIC, reducing_gap=2.0)
        upright = ImageOps.exif_transpose(file)
        shown = upright.convert("RGBA")
    paper = Image.new("RGBA", shown.size, BACKGROUND)
    return Image.alpha_composite(paper, shown).convert("RGB")


def _too_many_pixels() -> Invalid:
    return Invalid.field("file", f"A picture may have {MAX_PIXELS // 1_000_000} megapixels at most.", "too_large")


def _square(picture: Image.Image, edge: int) -> bytes:
    out = BytesIO()
    ImageOps.fit(picture, (edge, edge), Image.Resampling.LANCZOS).save(out, "WEBP", quality=QUALITY, method=4)
    return out.getvalue()
