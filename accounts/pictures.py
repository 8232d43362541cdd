"""Pictures drawn anew: whatever else a file holds (a place, a name, a program) does not come along."""

from __future__ import annotations

import hashlib
import struct
import warnings
from io import BytesIO
from typing import NamedTuple

from PIL import Image, ImageOps

from accounts.models import Avatar
from core.errors import Invalid

FORMATS = ("JPEG", "PNG", "WEBP")
MAX_BYTES = 5 * 1024 * 1024
MAX_PIXELS = 16_000_000
QUALITY = 82
PAPER = (255, 255, 255)
# What Pillow raises at a file that is none, ends early or claims what it does not hold.
BROKEN = (OSError, ValueError, SyntaxError, EOFError, IndexError, struct.error)
BOMBS = (Image.DecompressionBombError, Image.DecompressionBombWarning)
NOT_A_PICTURE = "This is not a picture we can read. Send a JPEG, PNG or WebP."


class Drawn(NamedTuple):
    digest: str
    small: bytes
    medium: bytes
    large: bytes


def redraw(data: bytes) -> Drawn:
    """Return the picture as squares of Avatar.SIZES in WebP; raises Invalid for what is no picture or too large."""
    if len(data) > MAX_BYTES:
        raise Invalid.field("file", "A picture may have 5 MB at most.", "too_large")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            picture = _read(data)
            sizes = [_square(picture, edge) for edge in Avatar.SIZES]
    except BOMBS as error:
        raise _too_many_pixels() from error
    except BROKEN as error:
        raise Invalid.field("file", NOT_A_PICTURE, "invalid_image") from error
    return Drawn(hashlib.sha256(sizes[-1]).hexdigest()[:32], *sizes)


def _read(data: bytes) -> Image.Image:
    """The first frame, upright, without transparency. Its size is judged before a pixel is unpacked."""
    with Image.open(BytesIO(data), formats=FORMATS) as file:
        if file.width * file.height > MAX_PIXELS:
            raise _too_many_pixels()
        largest = Avatar.SIZES[-1]
        file.draft("RGB", (largest, largest))
        upright = ImageOps.exif_transpose(file)
        shown = upright.convert("RGBA")
    paper = Image.new("RGBA", shown.size, PAPER)
    return Image.alpha_composite(paper, shown).convert("RGB")


def _too_many_pixels() -> Invalid:
    return Invalid.field("file", f"A picture may have {MAX_PIXELS // 1_000_000} megapixels at most.", "too_large")


def _square(picture: Image.Image, edge: int) -> bytes:
    out = BytesIO()
    ImageOps.fit(picture, (edge, edge), Image.Resampling.LANCZOS).save(out, "WEBP", quality=QUALITY, method=4)
    return out.getvalue()
