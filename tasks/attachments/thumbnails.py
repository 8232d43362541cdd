"""Thumbnails of images and PDFs. They are drawn anew, so metadata and whatever else a file holds does not come along."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from io import BytesIO
from pathlib import Path
from typing import IO

from PIL import Image, ImageOps

from accounts.users.image_processing import DECODE_ERRORS, DECOMPRESSION_BOMB_ERRORS
from tasks.attachments import pdf_page
from tasks.attachments.inspection import MAX_PIXELS

EDGE = 512
QUALITY = 80
FORMATS = ("PNG", "JPEG", "GIF", "WEBP")
# A JPEG is decoded at a reduced size; others as a whole, with four bytes for each pixel.
MAX_DECODED_PIXELS = 24_000_000
BACKGROUND = (255, 255, 255)
MAX_PDF_SECONDS = 20


class NoThumbnail(Exception):
    """The file is no image, or drawing it takes too much memory."""


def make_pdf_thumbnail(file: IO[bytes]) -> bytes:
    """Return a WebP of the first page, drawn by a process of its own.

    `file` has a descriptor. Raises NoThumbnail: a file that is encrypted, broken or takes too much has no preview.
    """
    # To a file, because the limit on its size holds there: a pipe would be read to its end.
    with tempfile.TemporaryFile() as page:
        command = [sys.executable, "-I", str(Path(pdf_page.__file__))]
        try:
            subprocess.run(
                command,
                stdin=file,
                stdout=page,
                stderr=subprocess.DEVNULL,
                env={},
                timeout=MAX_PDF_SECONDS,
                check=True,
            )
        except subprocess.SubprocessError as error:
            raise NoThumbnail from error
        page.seek(0)
        return make_thumbnail(page, edge=pdf_page.EDGE)


def make_thumbnail(file: IO[bytes], *, edge: int = EDGE) -> bytes:
    """Return a WebP of at most `edge` pixels on each side, of the first frame. Raises NoThumbnail."""
    try:
        with Image.open(file, formats=FORMATS) as image:
            pixels = image.width * image.height
            if pixels > (MAX_PIXELS if image.format in {"JPEG", "MPO"} else MAX_DECODED_PIXELS):
                raise NoThumbnail
            image.thumbnail((edge, edge), Image.Resampling.BICUBIC, reducing_gap=2.0)
            upright = ImageOps.exif_transpose(image).convert("RGBA")
        flat = Image.alpha_composite(Image.new("RGBA", upright.size, BACKGROUND), upright).convert("RGB")
        out = BytesIO()
        flat.save(out, "WEBP", quality=QUALITY, method=4)
        return out.getvalue()
    except (*DECOMPRESSION_BOMB_ERRORS, *DECODE_ERRORS) as error:
        raise NoThumbnail from error
