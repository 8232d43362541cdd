"""The storage of attachments from the environment."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from config import env

STORAGES = ("local", "s3")


def storage_settings(kind: str, folder: Path) -> dict[str, Any]:
    """Return the STORAGES entry: a folder of this machine, or a bucket of S3 or a server that speaks its protocol."""
    if kind == "local":
        options: dict[str, Any] = {
            "location": str(folder),
            # No other user of the machine reads them, and no server serves them.
            "file_permissions_mode": 0o600,
            "directory_permissions_mode": 0o700,
            "base_url": None,
        }
        return {"BACKEND": "tasks.attachments.storage.LocalStorage", "OPTIONS": options}
    options = {
        "bucket_name": env.text("S3_BUCKET"),
        "region_name": env.text("S3_REGION", "") or None,
        "endpoint_url": env.text("S3_ENDPOINT_URL", "") or None,
        # Empty: the role of the machine, or what else boto3 looks for.
        "access_key": env.text("S3_ACCESS_KEY_ID", "") or None,
        "secret_key": env.text("S3_SECRET_ACCESS_KEY", "") or None,
    }
    return {"BACKEND": "tasks.attachments.s3_storage.AttachmentS3Storage", "OPTIONS": options}
