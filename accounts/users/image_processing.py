"""Avatar thumbnails. They are drawn anew, so metadata and scripts of a file are neither stored nor served."""

from __future__ import annotations

import struct
import warnings
from io import BytesIO
from threading import Lock
from typing import NamedTuple

from django.utils.translation import gettext
from PIL import Image, ImageOps

from accounts.models import Avatar
from core.errors import Invalid, TransientConflict
from core.security.hashing import sha256_hex

FORMATS = ("JPEG", "PNG", "WEBP")
MAX_BYTES = 5 * 1024 * 1024
MAX_PIXELS = 16_000_000
QUALITY = 82
# Images are reduced to this before any other work, which bounds memory and time.
WORKING_SIZE = (4 * Avatar.SIZES[-1], 4 * Avatar.SIZES[-1])
BACKGROUND = (255, 255, 255)
# A small file may decode to 16 megapixels, so a process draws one at a time and its threads do not queue for long.
LOCK_TIMEOUT = 0.5
render_lock = Lock()
# Raised by Pillow for files that are no image, end early or have wrong lengths.
DECODE_ERRORS = (OSError, ValueError, SyntaxError, EOFError, IndexError, struct.error)
DECOMPRESSION_BOMB_ERRORS = (Image.DecompressionBombError, Image.DecompressionBombWarning)


class Thumbnails(NamedTuple):
    """WebP squares of Avatar.SIZES, and a digest that changes with the image."""

    digest: str
    small: bytes
    medium: bytes
    large: bytes


def make_thumbnails(data: bytes) -> Thumbnails:
    """Decode an image file and draw its thumbnails.

    Raises Invalid for a file that is no image or too large, TransientConflict while this process draws another one.
    """
    if len(data) > MAX_BYTES:
        raise Invalid.field("file", gettext("The picture is larger than 5 MB."), "too_large")
    if not render_lock.acquire(timeout=LOCK_TIMEOUT):
        raise TransientConflict(gettext("Another picture is being processed. Try again in a moment."))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(BytesIO(data), formats=FORMATS) as file:
                # Only the header has been read: the size is checked before any pixel is decoded.
                if file.width * file.height > MAX_PIXELS:
                    raise _too_many_pixels()
                # For JPEG, Pillow decodes at a reduced size here.
                file.thumbnail(WORKING_SIZE, Image.Resampling.BICUBIC, reducing_gap=2.0)
                upright = ImageOps.exif_transpose(file).convert("RGBA")
            # WebP would keep transparency; pages are light or dark, so it is flattened.
            image = Image.alpha_composite(Image.new("RGBA", upright.size, BACKGROUND), upright).convert("RGB")
            sizes = []
            for edge in Avatar.SIZES:
                out = BytesIO()
                square = ImageOps.fit(image, (edge, edge), Image.Resampling.LANCZOS)
                square.save(out, "WEBP", quality=QUALITY, method=4)
                sizes.append(out.getvalue())
    except DECOMPRESSION_BOMB_ERRORS as error:
        raise _too_many_pixels() from error
    except DECODE_ERRORS as error:
        message = gettext("This file is not a picture we can read. Send a JPEG, PNG or WebP.")
        raise Invalid.field("file", message, "invalid_image") from error
    finally:
        render_lock.release()
    return Thumbnails(sha256_hex(sizes[-1])[:32], *sizes)


def _too_many_pixels() -> Invalid:
    return Invalid.field(
        "file",
        gettext("The picture has more than %(max_pixels)s megapixels.") % {"max_pixels": MAX_PIXELS // 1000000},
        "too_large",
    )
