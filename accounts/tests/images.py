"""Image files for tests: a photo with metadata, and a decompression bomb."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO

from PIL import Image

PLACE = "48.8584 N 2.2945 E"


def photo(*, size: tuple[int, int] = (640, 480), form: str = "JPEG") -> bytes:
    """Return a rotated photo with EXIF metadata; upright, it is red at the top."""
    picture = Image.new("RGB", size, "blue")
    picture.paste("red", (0, 0, size[0] // 2, size[1]))
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees clockwise
    exif[0x013B] = "Alice Liddell"
    exif[0x010E] = PLACE
    out = BytesIO()
    picture.save(out, form, exif=exif)
    return out.getvalue()


def bomb(edge: int = 30_000) -> bytes:
    """Return a PNG of a few kilobytes that decodes to gigabytes."""
    row = b"\0" + b"\0" * (edge * 3)
    packer = zlib.compressobj(9)
    data = b"".join(packer.compress(row) for _ in range(64)) + packer.flush()
    head = struct.pack(">IIBBBBB", edge, edge, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head) + _chunk(b"IDAT", data) + _chunk(b"IEND", b"")


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
