"""File types that may be attached, by extension, and what their content must begin with.

An own table instead of a library such as puremagic: that knows thousands of types and answers with several guesses, while
an allow-list asks one question, whether the content is of the type that the extension claims.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum, auto

# As much of a file as its signature is looked for in.
HEAD_BYTES = 64 * 1024


class Family(StrEnum):
    """Kinds of files with checks of their own beside the signature."""

    TEXT = auto()
    IMAGE = auto()
    ZIP = auto()
    GZIP = auto()
    OTHER = auto()


@dataclass(frozen=True, slots=True)
class FileType:
    """A type of files. `media_type` is what a download is sent as, so it never names one that a browser runs."""

    media_type: str
    signature: re.Pattern[bytes]
    family: Family = Family.OTHER
    # For images: their name in Pillow. For ZIP containers: the entry that makes them more than a ZIP archive.
    detail: str = ""


def _type(media_type: str, signature: bytes, family: Family = Family.OTHER, detail: str = "") -> FileType:
    return FileType(media_type, re.compile(signature, re.DOTALL), family, detail)


def _text(media_type: str = "text/plain") -> FileType:
    return _type(media_type, b"", Family.TEXT)


ZIP = rb"PK(?:\x03\x04|\x05\x06)"
COMPOUND = rb"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
MP4 = rb"....ftyp"
JPEG = _type("image/jpeg", rb"\xff\xd8\xff", Family.IMAGE, "JPEG")
GZIP = _type("application/gzip", rb"\x1f\x8b\x08", Family.GZIP)
OFFICE = "application/vnd.openxmlformats-officedocument"
OPEN_DOCUMENT = "application/vnd.oasis.opendocument"

# Text, also of languages that a browser would run: it is sent as plain text.
TEXT_EXTENSIONS = (
    "txt text md markdown rst log tex srt eml diff patch html htm xhtml xml svg xsl css ts tsx jsx py rb go rs java kt swift "
    "c h cc cpp hpp cs sql yaml yml toml ini cfg conf env properties tf proto graphql drawio puml"
)

FILE_TYPES: dict[str, FileType] = {
    # Images. Only these have thumbnails; SVG is text to us.
    "png": _type("image/png", rb"\x89PNG\r\n\x1a\n", Family.IMAGE, "PNG"),
    "jpg": JPEG,
    "jpeg": JPEG,
    "gif": _type("image/gif", rb"GIF8[79]a", Family.IMAGE, "GIF"),
    "webp": _type("image/webp", rb"RIFF....WEBP", Family.IMAGE, "WEBP"),
    "heic": _type("image/heic", rb"....ftyp(?:hei[cmsx]|hev[cmsx]|mif1|msf1)"),
    # Documents.
    "pdf": _type("application/pdf", rb"%PDF-\d"),
    "docx": _type(f"{OFFICE}.wordprocessingml.document", ZIP, Family.ZIP, "word/"),
    "xlsx": _type(f"{OFFICE}.spreadsheetml.sheet", ZIP, Family.ZIP, "xl/"),
    "pptx": _type(f"{OFFICE}.presentationml.presentation", ZIP, Family.ZIP, "ppt/"),
    "odt": _type(f"{OPEN_DOCUMENT}.text", ZIP, Family.ZIP, "mimetype"),
    "ods": _type(f"{OPEN_DOCUMENT}.spreadsheet", ZIP, Family.ZIP, "mimetype"),
    "odp": _type(f"{OPEN_DOCUMENT}.presentation", ZIP, Family.ZIP, "mimetype"),
    "doc": _type("application/msword", COMPOUND),
    "xls": _type("application/vnd.ms-excel", COMPOUND),
    "ppt": _type("application/vnd.ms-powerpoint", COMPOUND),
    "msg": _type("application/vnd.ms-outlook", COMPOUND),
    "rtf": _type("application/rtf", rb"\{\\rtf1"),
    # Archives. We open none of them; their bombs are for those who do.
    "zip": _type("application/zip", ZIP, Family.ZIP),
    "gz": GZIP,
    "tgz": GZIP,
    "tar": _type("application/x-tar", rb".{257}ustar"),
    "7z": _type("application/x-7z-compressed", rb"7z\xbc\xaf\x27\x1c"),
    # Sound and video.
    "mp4": _type("video/mp4", MP4),
    "m4v": _type("video/mp4", MP4),
    "mov": _type("video/quicktime", rb"....(?:ftyp|moov|mdat|wide|free)"),
    "webm": _type("video/webm", rb"\x1a\x45\xdf\xa3"),
    "mp3": _type("audio/mpeg", rb"ID3|\xff[\xe2\xe3\xf2\xf3\xfa\xfb]"),
    "m4a": _type("audio/mp4", MP4),
    "ogg": _type("audio/ogg", rb"OggS"),
    "opus": _type("audio/ogg", rb"OggS"),
    "wav": _type("audio/wav", rb"RIFF....WAVE"),
    "flac": _type("audio/flac", rb"fLaC"),
    **dict.fromkeys(TEXT_EXTENSIONS.split(), _text()),
    "csv": _text("text/csv"),
    "tsv": _text("text/tab-separated-values"),
    "json": _text("application/json"),
    "ics": _text("text/calendar"),
    "vcf": _text("text/vcard"),
}
# `Makefile`, `LICENSE`: a name without an extension is one of text.
NO_EXTENSION = _text()


def extension_of(name: str) -> str:
    """Return the extension in lower case, without its point; empty for `README` and `.env`."""
    stem, point, extension = name.rpartition(".")
    return extension.lower() if point and stem else ""


def find_type(name: str) -> FileType | None:
    """Return the type that the name claims; None for one that may not be attached."""
    extension = extension_of(name)
    return FILE_TYPES.get(extension) if extension else NO_EXTENSION


# What no text has: NUL, which also excludes UTF-16, and controls except tab, line ends, form feed and escape.
_NOT_TEXT = re.compile(rb"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f\x7f]")
# Programs and documents of other types under the name of a text.
_BINARY = re.compile(rb"\xef\xbb\xbf(?:MZ|PK)|MZ.\x00|\x7fELF|%PDF-\d|\{\\rtf1|GIF8[79]a|PK\x03\x04")


def is_of_type(head: bytes, file_type: FileType) -> bool:
    """Return whether a file that begins like this is of the type."""
    if file_type.family == Family.TEXT:
        return _NOT_TEXT.search(head) is None and _BINARY.match(head) is None
    return file_type.signature.match(head) is not None
