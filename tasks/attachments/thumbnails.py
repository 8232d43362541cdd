"""Thumbnails of images. They are drawn anew, so metadata and whatever else a file holds does not come along."""

from __future__ import annotations

from io import BytesIO
from typing import IO

from PIL import Image, ImageOps

from accounts.users.image_processing import DECODE_ERRORS, DECOMPRESSION_BOMB_ERRORS
from tasks.attachments.inspection import MAX_PIXELS

EDGE = 512
QUALITY = 80
FORMATS = ("PNG", "JPEG", "GIF", "WEBP")
# A JPEG is decoded at a reduced size; others as a whole, with four bytes for each pixel.
MAX_DECODED_PIXELS = 24_000_000
BACKGROUND = (255, 255, 255)


class NoThumbnail(Exception):
    """The file is no image, or drawing it takes too much memory."""


def make_thumbnail(file: IO[bytes]) -> bytes:
    """Return a WebP of at most EDGE pixels on each side, of the first frame. Raises NoThumbnail."""
    try:
        with Image.open(file, formats=FORMATS) as image:
            pixels = image.width * image.height
            if pixels > (MAX_PIXELS if image.format in {"JPEG", "MPO"} else MAX_DECODED_PIXELS):
                raise NoThumbnail
            image.thumbnail((EDGE, EDGE), Image.Resampling.BICUBIC, reducing_gap=2.0)
            upright = ImageOps.exif_transpose(image).convert("RGBA")
        flat = Image.alpha_composite(Image.new("RGBA", upright.size, BACKGROUND), upright).convert("RGB")
        out = BytesIO()
        flat.save(out, "WEBP", quality=QUALITY, method=4)
        return out.getvalue()
    except (*DECOMPRESSION_BOMB_ERRORS, *DECODE_ERRORS) as error:
        raise NoThumbnail from error
