"""The storage of attachments: a local folder, or S3 (`s3_storage.py`). `ATTACHMENT_STORAGE` chooses."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import IO, Any, Protocol, cast

from django.core.files.base import File
from django.core.files.storage import FileSystemStorage, storages
from django.utils.translation import gettext

from core.errors import ServiceUnavailable

CHUNK_BYTES = 128 * 1024


class ByteRange:
    """Chunks of a part of a file, which is open while they are read."""

    def __init__(self, open_file: Callable[[], IO[bytes]], size: int) -> None:
        self.open_file = open_file
        self.file: IO[bytes] | None = None
        self.remaining = size

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        if self.file is None:
            self.file = self.open_file()
        chunk = self.file.read(min(CHUNK_BYTES, self.remaining)) if self.remaining else b""
        if not chunk:
            self.close()
            raise StopIteration
        self.remaining -= len(chunk)
        return chunk

    def close(self) -> None:
        if self.file is not None:
            self.file.close()


class AttachmentStorage(Protocol):
    """Interface of the storages: Django's own methods, and the reading of a range."""

    def save(self, name: str, content: Any) -> str: ...
    def delete(self, name: str) -> None: ...
    def exists(self, name: str) -> bool: ...
    def listdir(self, path: str) -> tuple[list[str], list[str]]: ...
    def get_modified_time(self, name: str) -> datetime: ...
    def open_range(self, name: str, start: int, size: int) -> ByteRange:
        """Open `size` bytes from `start`. Raises FileNotFoundError."""
        ...


class LocalStorage(FileSystemStorage):
    """A folder that no server serves. A file is on the disk before its row is."""

    def open_range(self, name: str, start: int, size: int) -> ByteRange:
        path = Path(self.path(name))
        path.stat()  # raises FileNotFoundError before the response has begun

        def open_file() -> IO[bytes]:
            file = path.open("rb")
            file.seek(start)
            return file

        return ByteRange(open_file, size)

    def _save(self, name: str, content: File) -> str:
        try:
            saved: str = super()._save(name, content)  # type: ignore[misc]
            # Otherwise a power failure could leave a row whose file is empty.
            descriptor = os.open(self.path(saved), os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        except OSError as error:
            with suppress(OSError):
                self.delete(name)  # the part that has found room
            message = gettext("The storage of attachments takes no file at the moment. Try again later.")
            raise ServiceUnavailable(message, code="storage_unavailable") from error
        return saved


def get_storage() -> AttachmentStorage:
    """Return the storage of the settings."""
    return cast(AttachmentStorage, storages["attachments"])


def generate_name(now: datetime) -> str:
    """Return the name of a new file. Nothing of it comes from a user; the month keeps folders small."""
    return f"{now:%Y/%m}/{uuid.uuid4().hex}"
