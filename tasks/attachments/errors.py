"""Refusals of files. Each names the limit or the rule."""

from __future__ import annotations

from django.utils.translation import gettext

from core.errors import DomainError, FieldError


class FileRefused(DomainError):
    """The file is not one that may be attached."""

    status = 422
    code = "file_refused"
    title = "The file was refused"

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message, fields=[FieldError("file", code, message)], code=code)


class FileTooLarge(FileRefused):
    """The file has more bytes than a file may have."""

    status = 413
    title = "The file is too large"


def size_text(size: int) -> str:
    """Return a number of bytes as limits are written: `100 MB`, where a MB is 1024 × 1024 bytes."""
    for unit, factor in (("GB", 1024**3), ("MB", 1024**2), ("KB", 1024)):
        if size >= factor:
            return f"{size / factor:.1f}".removesuffix(".0") + f" {unit}"
    return gettext("%(size)s bytes") % {"size": size} if size != 1 else "1 byte"
