"""Attachments in S3 or a server that speaks its protocol. Imported only where ATTACHMENT_STORAGE is `s3`."""

from __future__ import annotations

from typing import Any

from boto3.s3.transfer import TransferConfig
from botocore.exceptions import BotoCoreError, ClientError
from storages.backends.s3 import S3Storage

from core.errors import ServiceUnavailable
from tasks.attachments.storage import ByteRange

UNAVAILABLE = "The storage of attachments can't be reached. Try again in a moment."


class AttachmentS3Storage(S3Storage):
    """Private objects in one bucket, sent in parts of 8 MB, one at a time: boto3's default holds ten in memory."""

    def get_default_settings(self) -> dict[str, Any]:
        return super().get_default_settings() | {
            "transfer_config": TransferConfig(multipart_chunksize=8 * 1024 * 1024, use_threads=False),
            "default_acl": None,
            "file_overwrite": False,
        }

    def open_range(self, name: str, start: int, size: int) -> ByteRange:
        # S3 refuses a range without bytes, and an empty file is never stored.
        try:
            answer = self.bucket.Object(name).get(Range=f"bytes={start}-{start + max(size, 1) - 1}")
        except ClientError as error:
            if error.response["Error"]["Code"] in {"NoSuchKey", "404"}:
                raise FileNotFoundError(name) from error
            raise ServiceUnavailable(UNAVAILABLE) from error
        except BotoCoreError as error:
            raise ServiceUnavailable(UNAVAILABLE) from error
        return ByteRange(lambda: answer["Body"], size)

    def _save(self, name: str, content: Any) -> str:
        try:
            saved: str = super()._save(name, content)
        except (BotoCoreError, ClientError) as error:
            raise ServiceUnavailable(UNAVAILABLE) from error
        return saved
