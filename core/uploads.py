"""Uploaded files: the one place where they are read."""

from __future__ import annotations

from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.utils.datastructures import MultiValueDict

from core.errors import Invalid


def read_upload(upload: UploadedFile, *, max_bytes: int) -> bytes:
    """Return the content of an uploaded file, cut off one byte after `max_bytes`.

    That byte is enough for the caller's parser to say that the file is too large, however large it is.
    """
    return bytes(upload.read(max_bytes + 1))


def read_single_upload(files: MultiValueDict[str, Any], *, max_bytes: int) -> bytes:
    """Return the content of a request's only file, the field `file`, as `read_upload` does.

    Raises Invalid for another field, no file, or several.
    """
    return read_upload(get_single_upload(files), max_bytes=max_bytes)


def get_single_upload(files: MultiValueDict[str, Any]) -> UploadedFile:
    """Return a request's only file, the field `file`. Raises Invalid for another field, no file, or several."""
    if unknown := sorted(set(files) - {"file"}):
        raise Invalid.field(unknown[0], "This file is not expected here.", "unknown")
    uploads = files.getlist("file")
    # A field that is no file is a plain string here.
    if len(uploads) != 1 or not isinstance(uploads[0], UploadedFile):
        raise Invalid.field("file", "Send one file.", "required")
    return uploads[0]
