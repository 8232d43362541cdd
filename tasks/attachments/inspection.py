"""Checks of an uploaded file before it is stored: name, size, type, and what it would unpack to.

Memory does not grow with the file: it is read in chunks, of images only the header, of archives only the directory.
"""

from __future__ import annotations

import hashlib
import struct
import zipfile
from typing import IO, Any, NamedTuple

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext
from PIL import Image

from accounts.users.image_processing import DECODE_ERRORS, DECOMPRESSION_BOMB_ERRORS
from tasks.attachments.errors import FileRefused, FileTooLarge, size_text
from tasks.attachments.file_names import clean_name
from tasks.attachments.file_types import HEAD_BYTES, Family, FileType, extension_of, find_type, is_of_type

MAX_PIXELS = 80_000_000
# Of an archive when it is unpacked: entries, bytes, and bytes for each byte of the file. Office documents and logs stay
# below 50; a bomb has 1,000 and more.
MAX_ENTRIES = 10_000
MAX_DIRECTORY_BYTES = 2 * 1024 * 1024
MAX_UNPACKED_BYTES = 2 * 1024**3
MAX_RATIO = 200
# Small files of zeros are harmless whatever their ratio.
RATIO_EXEMPT_BYTES = 16 * 1024 * 1024
# The end of a ZIP archive: 22 bytes, and a comment of up to 65,535.
_END_OF_DIRECTORY = struct.Struct("<4s4H2LH")
_END_BYTES = _END_OF_DIRECTORY.size + 65_535
SYMLINK = 0o120000


class InspectedFile(NamedTuple):
    """Facts of a file that may be stored."""

    name: str
    media_type: str
    size: int
    sha256: str


def inspect(upload: UploadedFile) -> InspectedFile:
    """Return what is stored of an uploaded file. Raises FileRefused, FileTooLarge."""
    name = clean_name(upload.name or "")
    size = upload.size or 0
    if size > settings.ATTACHMENT_MAX_BYTES:
        limit = size_text(settings.ATTACHMENT_MAX_BYTES)
        raise FileTooLarge(
            gettext("“%(name)s” is larger than %(limit)s, the most a file may have.") % {"name": name, "limit": limit},
            "too_large",
        )
    if size == 0:
        raise FileRefused(gettext("“%(name)s” is empty.") % {"name": name}, "empty")
    file_type = find_type(name)
    if file_type is None:
        message = gettext("Files of the type .%(name)s can't be attached. Put the file into a ZIP archive.") % {
            "name": extension_of(name)
        }
        raise FileRefused(message, "unsupported_type")
    upload.seek(0)
    head = upload.read(HEAD_BYTES)
    if not is_of_type(head, file_type):
        claimed = f"a .{extension_of(name)} file" if extension_of(name) else "a text file"
        raise FileRefused(
            gettext("“%(name)s” is named like %(claimed)s, but its content is something else.")
            % {"name": name, "claimed": claimed},
            "type_mismatch",
        )
    check = {Family.IMAGE: _check_image, Family.ZIP: _check_zip, Family.GZIP: _check_gzip}.get(file_type.family)
    if check:
        check(upload, file_type, name, size)
    digest = hashlib.sha256()
    for chunk in upload.chunks():  # from the beginning
        digest.update(chunk)
    upload.seek(0)
    return InspectedFile(name, file_type.media_type, size, digest.hexdigest())


def _check_image(file: IO[Any], file_type: FileType, name: str, _size: int) -> None:
    """Check the size of an image in pixels. Raises FileRefused."""
    file.seek(0)
    try:
        # Reads the header, and decodes nothing.
        image = Image.open(file, formats=[file_type.detail])
        pixels = image.width * image.height
    except DECOMPRESSION_BOMB_ERRORS:
        pixels = MAX_PIXELS + 1
    except DECODE_ERRORS as error:
        raise FileRefused(
            gettext("“%(name)s” is damaged: it can't be read as an image.") % {"name": name}, "type_mismatch"
        ) from error
    if pixels > MAX_PIXELS:
        message = gettext("“%(name)s” has more than %(max_pixels)s megapixels, the most an image may have.") % {
            "name": name,
            "max_pixels": MAX_PIXELS // 1000000,
        }
        raise FileRefused(message, "decompression_bomb")


def _check_zip(file: IO[Any], file_type: FileType, name: str, size: int) -> None:
    """Check the directory of a ZIP archive, which names the size of each entry. Raises FileRefused."""
    damaged = FileRefused(
        gettext("“%(name)s” is damaged: it can't be read as a ZIP archive.") % {"name": name}, "type_mismatch"
    )
    # Read by hand first: `zipfile` would load a directory of a million entries.
    file.seek(max(0, size - _END_BYTES))
    tail = file.read(_END_BYTES)
    start = tail.rfind(b"PK\x05\x06")
    if start < 0 or len(tail) - start < _END_OF_DIRECTORY.size:
        raise damaged
    _, _, _, _, count, directory_bytes, _, _ = _END_OF_DIRECTORY.unpack_from(tail, start)
    # 0xFFFF and ZIP64 stand for more entries, or more bytes, than a file of this size needs.
    if (
        count > MAX_ENTRIES
        or directory_bytes > MAX_DIRECTORY_BYTES
        or tail.startswith(b"PK\x06\x07", max(0, start - 20))
    ):
        message = f"“{name}” has more than {MAX_ENTRIES:,} entries, the most an archive may have."
        raise FileRefused(message, "decompression_bomb")
    try:
        with zipfile.ZipFile(file) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError, UnicodeDecodeError, *DECODE_ERRORS) as error:
        raise damaged from error
    if file_type.detail and not any(entry.filename.startswith(file_type.detail) for entry in entries):
        raise FileRefused(
            gettext("“%(name)s” is a ZIP archive, not the .%(name2)s file that its name says.")
            % {"name": name, "name2": extension_of(name)},
            "type_mismatch",
        )
    _require_ratio(name, size, sum(entry.file_size for entry in entries))
    for entry in entries:
        parts = entry.filename.replace("\\", "/").split("/")
        if ".." in parts or parts[0] == "" or ":" in parts[0] or entry.external_attr >> 16 & 0o170000 == SYMLINK:
            message = gettext("“%(name)s” has an entry that would be unpacked outside of its folder.") % {"name": name}
            raise FileRefused(message, "unsafe_archive")


def _check_gzip(file: IO[Any], _file_type: FileType, name: str, size: int) -> None:
    """Check the unpacked size that a gzip file ends with (RFC 1952, section 2.3.1). Raises FileRefused."""
    file.seek(max(0, size - 4))
    _require_ratio(name, size, int.from_bytes(file.read(4), "little"))


def _require_ratio(name: str, size: int, unpacked: int) -> None:
    if unpacked > MAX_UNPACKED_BYTES or (unpacked > RATIO_EXEMPT_BYTES and unpacked > size * MAX_RATIO):
        message = gettext(
            "“%(name)s” would be unpacked to %(unpacked)s. "
            "An archive may have %(max_unpacked_bytes)s, and %(max_ratio)s bytes for each of its own."
        ) % {
            "name": name,
            "unpacked": size_text(unpacked),
            "max_unpacked_bytes": size_text(MAX_UNPACKED_BYTES),
            "max_ratio": MAX_RATIO,
        }
        raise FileRefused(message, "decompression_bomb")
