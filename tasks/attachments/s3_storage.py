"""Attachments in S3 or a server that speaks its protocol. Imported only where ATTACHMENT_STORAGE is `s3`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from django.utils.translation import gettext
from storages.backends.s3 import S3Storage

from core.errors import ServiceUnavailable
from tasks.attachments.storage import ByteRange

# Seconds. boto3's default is a minute, with four more attempts; a request must not hold its thread for so long.
CONNECT_TIMEOUT, READ_TIMEOUT = 3, 20


@contextmanager
def _errors_of(name: str) -> Iterator[None]:
    """Raise FileNotFoundError for a missing object, ServiceUnavailable for all other errors of S3."""
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        if isinstance(error, ClientError) and error.response["Error"]["Code"] in {"NoSuchKey", "404"}:
            raise FileNotFoundError(name) from error
        message = gettext("The storage of attachments can't be reached. Try again in a moment.")
        raise ServiceUnavailable(message) from error


class AttachmentS3Storage(S3Storage):
    """Private objects in one bucket, sent in parts of 8 MB, one at a time: boto3's default holds ten in memory."""

    def get_default_settings(self) -> dict[str, Any]:
        return super().get_default_settings() | {
            "transfer_config": TransferConfig(multipart_chunksize=8 * 1024 * 1024, use_threads=False),
            "client_config": Config(
                connect_timeout=CONNECT_TIMEOUT, read_timeout=READ_TIMEOUT, retries={"total_max_attempts": 2}
            ),
            # Names are unique, so nothing is overwritten, and S3 need not be asked for each.
            "file_overwrite": True,
            "default_acl": None,
        }

    def open_range(self, name: str, start: int, size: int) -> ByteRange:
        with _errors_of(name):
            answer = self.bucket.Object(name).get(Range=f"bytes={start}-{start + size - 1}")
        return ByteRange(lambda: answer["Body"], size)

    def save(self, name: str, content: Any, max_length: int | None = None) -> str:
        with _errors_of(name):
            return str(super().save(name, content, max_length))

    def delete(self, name: str) -> None:
        with _errors_of(name):
            super().delete(name)
